//! Which IP addresses are public: those that are in none of IANA's special-purpose ranges.
//!
//! - <https://www.iana.org/assignments/iana-ipv4-special-registry/>
//! - <https://www.iana.org/assignments/iana-ipv6-special-registry/>
//! - <https://www.iana.org/assignments/ipv6-address-space/>: only `2000::/3` is given out

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Not public, as network and prefix length.
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),           // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback, with Lambda's Runtime API
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local, with the metadata and credentials services
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, and broadcast
];

/// Outside is what is unspecified, loopback, unique local (with `fd00:ec2::254`, the metadata service), link-local,
/// site-local or multicast, or has an IPv4 address in it (`::/96`, `::ffff:0:0/96`, `64:ff9b::/96`, `64:ff9b:1::/48`).
const GIVEN_OUT_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Not public, as network and prefix length.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments: Teredo, benchmarks, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4: an IPv4 address, perhaps a private one
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// Whether anybody on the internet could connect to it.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|range| is_in_v4(address, *range)),
        IpAddr::V6(address) => {
            is_in_v6(address, GIVEN_OUT_V6) && !SPECIAL_V6.iter().any(|range| is_in_v6(address, *range))
        }
    }
}

fn is_in_v4(address: Ipv4Addr, (network, length): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (32 - length) == 0
}

fn is_in_v6(address: Ipv6Addr, (network, length): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (128 - length) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(addresses: &[&str], public: bool) {
        for address in addresses {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    #[test]
    fn the_first_and_last_address_of_every_special_ipv4_range_is_refused() {
        all(
            &[
                "0.0.0.0",
                "0.255.255.255",
                "10.0.0.0",
                "10.255.255.255",
                "100.64.0.0",
                "100.127.255.255",
                "127.0.0.0",
                "127.0.0.1",
                "127.255.255.255",
                "169.254.0.0",
                "169.254.169.254",
                "169.254.170.2",
                "169.254.255.255",
                "172.16.0.0",
                "172.31.255.255",
                "192.0.0.0",
                "192.0.0.255",
                "192.0.2.0",
                "192.0.2.255",
                "192.88.99.0",
                "192.88.99.255",
                "192.168.0.0",
                "192.168.255.255",
                "198.18.0.0",
                "198.19.255.255",
                "198.51.100.0",
                "198.51.100.255",
                "203.0.113.0",
                "203.0.113.255",
                "224.0.0.0",
                "239.255.255.255",
                "240.0.0.0",
                "255.255.255.255",
            ],
            false,
        );
    }

    #[test]
    fn the_ipv4_neighbours_of_special_ranges_are_public() {
        all(
            &[
                "1.0.0.0",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "126.255.255.255",
                "128.0.0.0",
                "169.253.255.255",
                "169.255.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "192.0.1.0",
                "192.0.3.0",
                "192.88.98.255",
                "192.88.100.0",
                "192.167.255.255",
                "192.169.0.0",
                "198.17.255.255",
                "198.20.0.0",
                "198.51.99.255",
                "198.51.101.0",
                "203.0.112.255",
                "203.0.114.0",
                "223.255.255.255",
            ],
            true,
        );
    }

    #[test]
    fn ipv6_that_is_special_or_not_given_out_is_refused() {
        all(
            &[
                "::",
                "::1",
                "::7f00:1",               // IPv4-compatible
                "::ffff:127.0.0.1",       // IPv4-mapped
                "::ffff:8.8.8.8",         // even of a public address
                "::ffff:0:127.0.0.1",     // IPv4-translated
                "64:ff9b::7f00:1",        // NAT64
                "64:ff9b::808:808",       // even of a public address
                "64:ff9b:1::1",           // local NAT64
                "100::1",                 // discard
                "1fff:ffff::1",           // just below 2000::/3
                "2001::1",                // Teredo
                "2001:2::1",              // benchmarks
                "2001:20::1",             // ORCHIDv2
                "2001:1ff:ffff::1",       // the last of 2001::/23
                "2001:db8::1",            // documentation
                "2002:7f00:1::1",         // 6to4 of 127.0.0.1
                "3fff::1",                // documentation
                "3fff:fff:ffff::1",       // its last
                "4000::1",                // just above 2000::/3
                "5f00::1",                // segment routing
                "fc00::1",                // unique local
                "fd00:ec2::254",          // the metadata service
                "fdff:ffff::1",           // the last of fc00::/7
                "fe80::1",                // link-local
                "febf::1",                // its last
                "fec0::1",                // site-local
                "feff::1",                // its last
                "ff02::1",                // multicast
                "ffff:ffff:ffff:ffff::1", // the end
            ],
            false,
        );
    }

    #[test]
    fn ipv6_that_is_given_out_is_public() {
        all(
            &[
                "2000::1",
                "2001:200::1",
                "2001:db7::1",
                "2001:db9::1",
                "2003::1",
                "2600:1f00::1",
                "2a00:1450::1",
                "3ffe::1",
                "3fff:1000::1",
            ],
            true,
        );
    }
}
