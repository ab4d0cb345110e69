//! The way out of an agent that is any program: listed hosts alone, told in the log, and held against its plan.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use crate::agents::wait_for;
use crate::gate::Gate;
use crate::orders::done;
use crate::world::World;

/// A shop of paint: answers every request alike.
fn shop() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut customer in listener.incoming().flatten() {
            let _ = customer.read(&mut [0; 4096]);
            let _ =
                customer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\nconnection: close\r\n\r\nwall: green\n");
        }
    });
    address
}

/// A place with an agent that buys its paint there, after it asked in vain elsewhere; its plan names these hosts.
fn world(shop: SocketAddr, hosts: &str) -> World {
    let world = World::new();
    std::fs::create_dir(world.path("gates")).unwrap();
    let script = format!(
        "ask() {{ exec 3<>/dev/tcp/127.0.0.1/8787; printf 'GET http://%s/ HTTP/1.1\\r\\nHost: %s\\r\\nConnection: close\\r\\n\\r\\n' $1 $1 >&3; cat <&3; }}\n\
         [ $DOWNBEAT_TURN = plan ] && {{ echo '{{\"summary\": \"Green walls\", \"steps\": [\"buy\"], \"paths\": [\"hall.room\"], \"checks\": [], \"hosts\": [\"{hosts}\"]}}'; exit; }}\n\
         [ $http_proxy = http://127.0.0.1:8787 ] || exit 9\n\
         ask 10.9.8.7 | grep -q 'is not open here' || exit 8\n\
         [ -e {{place}}/gates/paid ] || ask {shop} | tail -n 1 >hall.room\n\
         [ ! -e {{place}}/gates/way ] || {{ read line < {{place}}/gates/way; echo 'wall: blue' >hall.room; }}\n"
    );
    world.write("buy.sh", &script);
    world.configure(&format!(
        "\n[egress]\nallow = [\"{shop}\"]\n\n[cage]\nread = [\"{{place}}/buy.sh\", \"{{place}}/gates\"]\n\n[agents.buyer]\nkind = \"command\"\n\
         command = [\"/bin/bash\", \"{{place}}/buy.sh\"]\nplan = [\"/bin/bash\", \"{{place}}/buy.sh\"]\n"
    ));
    world
}

pub fn a_program_reaches_listed_hosts_and_no_other() {
    let shop = shop();
    let world = world(shop, "127.0.0.1");
    let mut instance = world.up();
    instance.say("ana: @agent buy paint agent=buyer");
    wait_for(&instance, "Plan v1 for T-1");
    instance.say("ben: approve T-1");
    wait_for(&instance, "T-1 is ready");
    assert!(done(&world, &["task", "diff", "T-1"]).contains("+wall: green"));
    let log = done(&world, &["task", "log", "T-1"]);
    let sum = log.lines().find(|line| line.contains("network: in all")).unwrap_or_else(|| panic!("{log}"));
    assert!(sum.contains(&format!("1 request to {shop}")) && sum.contains("refused 10.9.8.7:80 1×"), "{sum}");
}

pub fn a_host_that_the_plan_does_not_name_stops_the_change_before_it_is_published() {
    let world = world(shop(), "paint.example.org");
    let mut instance = world.up();
    instance.say("ana: @agent buy paint agent=buyer");
    wait_for(&instance, "Plan v1 for T-1");
    instance.say("ben: approve T-1");
    wait_for(&instance, "stopped before publishing: it reached 127.0.0.1, which its plan does not name");
    instance.say("ben: approve T-1");
    wait_for(&instance, "T-1 is ready");
}

/// The first turn reaches the host and is paused, the second has all that it needs.
pub fn a_host_that_an_earlier_turn_reached_counts() {
    let world = world(shop(), "paint.example.org");
    let gate = Gate::at(&world.path("gates/way"));
    let mut instance = world.up();
    instance.say("ana: @agent buy paint agent=buyer");
    wait_for(&instance, "Plan v1 for T-1");
    instance.say("ben: approve T-1");
    let visitor = gate.wait_for_somebody();
    instance.say("ana: pause T-1");
    wait_for(&instance, "paused by ana");
    drop(visitor);
    world.write("gates/paid", "");
    instance.say("ana: resume T-1");
    gate.wait_for_somebody().let_through();
    wait_for(&instance, "stopped before publishing: it reached 127.0.0.1, which its plan does not name");
    assert!(done(&world, &["task", "diff", "T-1"]).contains("+wall: blue"));
}
