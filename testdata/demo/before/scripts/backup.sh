#!/bin/sh
# Keeps the readings of the last thirty days.
set -eu

find /var/lib/barograph -name '*.csv' -mtime +30 -delete
