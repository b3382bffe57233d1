// Fills the table with the latest readings.
async function refresh() {
  const table = document.getElementById("readings");
  const readings = await (await fetch("/readings")).json();
  for (const r of readings) {
    const row = table.insertRow();
    row.insertCell().textContent = r.name;
    row.insertCell().textContent = r.temp.toFixed(1) + " °C";
    row.insertCell().textContent = r.wind.toFixed(1) + " m/s";
  }
}

refresh();
