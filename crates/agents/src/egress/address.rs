//! From a name to an address that may be connected to. What was looked at is what is connected to, so a name that leads
//! elsewhere a moment later leads nowhere.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::hosts::{Destination, Host, Listed};

/// Addresses of a name that are tried one after the other: a name with more has the same trouble with all of them.
const TRIED_MAX: usize = 4;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreached {
    /// It leads where nobody may go.
    #[error("{0} leads to this machine or its own network, which only an entry `{0}` in `egress.allow` opens")]
    Private(String),
    /// Nobody is there.
    #[error("{0} cannot be reached: {1}")]
    Absent(String, String),
}

/// Connects to a listed destination, or says why not.
pub(super) async fn connect(to: &Destination, listed: Listed, within: Duration) -> Result<TcpStream, Unreached> {
    let absent = |why: &str| Unreached::Absent(to.to_string(), why.to_owned());
    let slow = || absent(&format!("no answer within {} s", within.as_secs()));
    let found: Vec<SocketAddr> = match &to.host {
        Host::Address(address) => vec![SocketAddr::new(*address, to.port)],
        Host::Name(name) => {
            let looked_up = timeout(within, lookup_host((name.as_str(), to.port))).await.map_err(|_| slow())?;
            looked_up.map_err(|_| absent("its name leads nowhere"))?.collect()
        }
    };
    // One address of ours among others is a trap rather than an accident.
    if listed != Listed::Exactly && !found.iter().all(|address| is_public(address.ip())) {
        return Err(Unreached::Private(to.to_string()));
    }
    let mut last = absent("its name leads nowhere");
    for address in found.into_iter().take(TRIED_MAX) {
        match timeout(within, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Without it the last packet of a request may wait for an acknowledgement.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = absent(&in_words(&error)),
            Err(_) => last = slow(),
        }
    }
    Err(last)
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
        _ => error.to_string(),
    }
}

/// Whether an address belongs to the internet: to no machine, network, cloud or experiment of one's own.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// The IANA registry of special addresses, and one of a cloud's own that lies among the public ones.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 224
        // The metadata of Azure's machines.
        || address == Ipv4Addr::new(168, 63, 129, 16);
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Only 2000::/3 is handed out. In it lie Teredo and others of the registry, documentation, and 6to4, which hides an
    // address of the fourth version.
    let is_handed_out = a & 0xe000 == 0x2000;
    let is_special = match a {
        0x2001 => b < 0x200 || b == 0xdb8,
        0x2002 => true,
        0x3fff => b < 0x1000,
        _ => false,
    };
    is_handed_out && !is_special
}

#[cfg(test)]
mod tests {
    use super::super::hosts::Way;
    use super::*;

    #[test]
    fn no_address_of_ones_own_is_public() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fec0::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "140.82.121.3", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::8"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_opened_by_its_very_port_alone() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let to = Destination::of(&format!("localhost:{port}"), Way::Tunnel).unwrap();
        let within = Duration::from_secs(5);
        let refused = connect(&to, Listed::ByName, within).await.unwrap_err();
        assert_eq!(refused, Unreached::Private(format!("localhost:{port}")));
        assert!(connect(&to, Listed::Exactly, within).await.is_ok());
    }
}
