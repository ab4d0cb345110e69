. ./greet.sh
[ "$(greet Ana)" = "Hello, Ana!" ]
