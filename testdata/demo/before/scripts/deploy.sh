#!/bin/sh
# Copies the page and the settings to the server.
set -eu

host=${1:?usage: deploy.sh HOST}
scp -q web/index.html web/app.js web/style.css "$host:/srv/barograph/"
scp -q config/legacy.ini "$host:/etc/barograph.ini"
