//! How much of the internet a list of address ranges is.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

/// Whether the ranges are as good as everywhere.
///
/// S3 takes a range wider than /8 (IPv4) or /32 (IPv6) for public:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status>.
/// Many narrow ones that make up half of all addresses are no better.
pub(super) fn is_wide(ranges: &[IpNet]) -> bool {
    let ranges: Vec<IpNet> = ranges.iter().copied().map(unmapped).collect();
    let wide = |net: &IpNet| match net {
        IpNet::V4(net) => net.prefix_len() < 8,
        IpNet::V6(net) => net.prefix_len() < 32,
    };
    if ranges.iter().any(wide) {
        return true;
    }
    let (mut of_v4, mut of_v6) = (0_u128, 0_u128);
    for net in IpNet::aggregate(&ranges) {
        match net {
            IpNet::V4(net) => of_v4 += 1 << (32 - u32::from(net.prefix_len())),
            // In networks of /32, the widest there are left here.
            IpNet::V6(net) => of_v6 += 1 << (32 - u32::from(net.prefix_len().min(32))),
        }
    }
    // Of IPv6 only an eighth (2000::/3) is given out.
    of_v4 >= 1 << 31 || of_v6 >= 1 << 28
}

/// `::ffff:203.0.113.0/120` is `203.0.113.0/24`, and what holds all such addresses holds all of IPv4.
fn unmapped(net: IpNet) -> IpNet {
    let IpAddr::V6(address) = net.network() else { return net };
    let mapped = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped();
    let v4 = match net.prefix_len().checked_sub(96) {
        Some(prefix) => address.to_ipv4_mapped().and_then(|address| Ipv4Net::new(address, prefix).ok()),
        None => net.contains(&IpAddr::V6(mapped)).then(Ipv4Net::default),
    };
    v4.map_or(net, IpNet::V4)
}
