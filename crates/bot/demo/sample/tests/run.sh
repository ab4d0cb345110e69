#!/bin/sh
# Runs every test of the sample; this is the check that guards main.
set -eu
for test in tests/*.test.sh; do
    sh -eu "$test" || { echo "$test failed"; exit 1; }
    echo "$test passed"
done
