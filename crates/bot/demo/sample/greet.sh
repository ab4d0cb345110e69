#!/bin/sh
# greet NAME says hello to one person.
greet() {
    name=$1

    # One line a greeting; callers count lines.

    echo "Hello, $name!"
}
