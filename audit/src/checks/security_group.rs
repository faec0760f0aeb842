//! Security groups: <https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html>.

use std::ops::RangeInclusive;

use common::action::{Action, Rules as Revoked};
use common::record::Severity;
use common::resource::{IpPermission, ResourceType, SecurityGroup};
use common::settings::Thresholds;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::json;

use super::{About, Case, Check, Checked, Problem, Unclear, always};

impl Checked for SecurityGroup {
    const CHECKS: &'static [Check<Self>] = &[Check {
        about: About {
            id: "security_group_open",
            kind: ResourceType::SecurityGroup,
            severity: Severity::High,
            controls: &["FSBP EC2.18", "FSBP EC2.19", "CIS 5.2", "CIS 5.3"],
            actions: &["ec2_revoke_ingress"],
            // A rule may be open on purpose (a web server), and without it the service is down.
            fix: false,
            needs: &["IpPermissions"],
            meaning: "A rule of the group lets in the whole internet: critical on ports for administration and databases, \
                      medium on the web's, low for ICMP.",
            page: "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-18",
        },
        arises: always,
        judge: |case| Ok(open(case)),
    }];
}

/// One finding for each rule and range, so that each can be mended, or allowed, for itself.
fn open(case: &Case<'_, SecurityGroup>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for rule in &case.config().ip_permissions {
        for single in singles(rule) {
            problems.extend(judge(&case.rules.thresholds, single));
        }
    }
    problems
}

/// A rule for one range, with the range's text: what a single `RevokeSecurityGroupIngress` takes.
fn singles(rule: &IpPermission) -> impl Iterator<Item = (String, IpPermission)> {
    let bare = || IpPermission {
        ip_protocol: rule.ip_protocol.clone(),
        from_port: rule.from_port,
        to_port: rule.to_port,
        ..IpPermission::default()
    };
    let ipv4 = rule
        .ip_ranges
        .iter()
        .map(move |range| (range.cidr_ip.clone(), IpPermission { ip_ranges: vec![range.clone()], ..bare() }));
    let ipv6 = rule
        .ipv6_ranges
        .iter()
        .map(move |range| (range.cidr_ipv6.clone(), IpPermission { ipv6_ranges: vec![range.clone()], ..bare() }));
    ipv4.chain(ipv6)
}

fn judge(thresholds: &Thresholds, (cidr, rule): (String, IpPermission)) -> Option<Problem> {
    let traffic = Traffic::of(&rule);
    let evidence = json!({"IpPermissions": [rule]});
    let Ok(range) = cidr.parse::<IpNet>() else {
        let why = format!("`{}` is not an address range", cidr.chars().take(60).collect::<String>());
        return Some(Problem::unclear(Unclear(why), evidence).part(format!("{}:{cidr}", traffic.key(&rule))));
    };
    if !is_open(range, thresholds) {
        return None;
    }
    let (severity, mut controls) = traffic.severity();
    if traffic.is_remote_administration() {
        controls.push(if matches!(range, IpNet::V4(_)) { "CIS 5.2" } else { "CIS 5.3" });
    }
    // However it is written (`0::0/0`), it is one range with one key.
    let part = format!("{}:{}", traffic.key(&rule), range.trunc());
    let what = format!("is open to the internet ({}) on {}", range.trunc(), traffic.describe());
    let action = Action::Ec2RevokeIngress(Revoked { ip_permissions: vec![rule] });
    Some(Problem::new(what, evidence).part(part).severity(severity).controls(controls).action(action))
}

/// IPv4 ranges that nobody on the internet has an address in: private, shared, loopback, link-local, and all from
/// multicast on (<https://www.iana.org/assignments/iana-ipv4-special-registry>).
const NOT_PUBLIC: [Ipv4Net; 7] = [
    Ipv4Net::new_assert(std::net::Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(std::net::Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(std::net::Ipv4Addr::new(192, 168, 0, 0), 16),
    Ipv4Net::new_assert(std::net::Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(std::net::Ipv4Addr::new(127, 0, 0, 0), 8),
    Ipv4Net::new_assert(std::net::Ipv4Addr::new(169, 254, 0, 0), 16),
    Ipv4Net::new_assert(std::net::Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// Where IPv6's public addresses are: <https://www.iana.org/assignments/ipv6-address-space>.
const GLOBAL_UNICAST: Ipv6Net = Ipv6Net::new_assert(std::net::Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Whether a range is as wide as the internet, or a part of it that nobody would write for a place that they know.
fn is_open(range: IpNet, thresholds: &Thresholds) -> bool {
    match range {
        IpNet::V4(range) => {
            range.prefix_len() <= thresholds.open_ipv4_prefix && !NOT_PUBLIC.iter().any(|inner| inner.contains(&range))
        }
        IpNet::V6(range) => {
            range.prefix_len() <= thresholds.open_ipv6_prefix
                && (range.contains(&GLOBAL_UNICAST) || GLOBAL_UNICAST.contains(&range))
        }
    }
}

/// Ports that Security Hub calls high risk (EC2.19), and others for administration and of databases, which are no better
/// placed on the internet.
const HIGH_RISK: [(u16, &str); 36] = [
    (20, "FTP"),
    (21, "FTP"),
    (22, "SSH"),
    (23, "Telnet"),
    (25, "SMTP"),
    (110, "POP3"),
    (135, "RPC"),
    (143, "IMAP"),
    (445, "SMB"),
    (1433, "SQL Server"),
    (1434, "SQL Server"),
    (1521, "Oracle"),
    (2375, "Docker"),
    (2376, "Docker"),
    (2379, "etcd"),
    (3000, "a development server"),
    (3306, "MySQL"),
    (3389, "RDP"),
    (4333, "mSQL"),
    (5000, "a development server"),
    (5432, "PostgreSQL"),
    (5439, "Redshift"),
    (5500, "VNC"),
    (5601, "OpenSearch Dashboards"),
    (5900, "VNC"),
    (5985, "WinRM"),
    (5986, "WinRM"),
    (6379, "Redis"),
    (8080, "a proxy"),
    (8088, "an administration page"),
    (8888, "a notebook server"),
    (9042, "Cassandra"),
    (9200, "OpenSearch"),
    (9300, "OpenSearch"),
    (11211, "Memcached"),
    (27017, "MongoDB"),
];

/// The ports that EC2.18 allows.
const WEB: [u16; 2] = [80, 443];

/// What a rule lets through.
enum Traffic {
    /// Every protocol.
    All,
    /// TCP or UDP on these ports.
    Ports { protocol: &'static str, ports: RangeInclusive<u16> },
    /// Ping and its kin.
    Icmp,
    /// Another protocol, by its number.
    Other(String),
}

impl Traffic {
    /// Protocols come as names or as IANA's numbers: both mean the same.
    fn of(rule: &IpPermission) -> Self {
        match rule.ip_protocol.to_ascii_lowercase().as_str() {
            "-1" | "all" => Self::All,
            "tcp" | "6" => Self::Ports { protocol: "tcp", ports: ports(rule) },
            "udp" | "17" => Self::Ports { protocol: "udp", ports: ports(rule) },
            "icmp" | "1" | "icmpv6" | "58" => Self::Icmp,
            other => Self::Other(other.to_owned()),
        }
    }

    /// `tcp:22-22`: what of the rule stands in the key.
    fn key(&self, rule: &IpPermission) -> String {
        match self {
            Self::All => "all:all".to_owned(),
            Self::Ports { protocol, ports } => format!("{protocol}:{}-{}", ports.start(), ports.end()),
            Self::Icmp | Self::Other(_) => {
                let number = |port: Option<i32>| port.map_or_else(|| "all".to_owned(), |port| port.to_string());
                format!("{}:{}-{}", rule.ip_protocol.to_ascii_lowercase(), number(rule.from_port), number(rule.to_port))
            }
        }
    }

    /// How bad it is when the internet comes this way, and the controls of Security Hub that forbid it.
    fn severity(&self) -> (Severity, Vec<&'static str>) {
        match self {
            Self::All => (Severity::Critical, vec!["FSBP EC2.18", "FSBP EC2.19"]),
            Self::Ports { ports, .. } if HIGH_RISK.iter().any(|(port, _)| ports.contains(port)) => {
                (Severity::Critical, vec!["FSBP EC2.18", "FSBP EC2.19"])
            }
            Self::Ports { ports, .. } if ports.start() == ports.end() && WEB.contains(ports.start()) => {
                (Severity::Medium, Vec::new())
            }
            Self::Ports { .. } => (Severity::High, vec!["FSBP EC2.18"]),
            Self::Icmp => (Severity::Low, Vec::new()),
            Self::Other(_) => (Severity::High, Vec::new()),
        }
    }

    /// SSH or RDP, which CIS asks for by themselves.
    fn is_remote_administration(&self) -> bool {
        match self {
            Self::All => true,
            Self::Ports { ports, .. } => ports.contains(&22) || ports.contains(&3389),
            Self::Icmp | Self::Other(_) => false,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::All => "all ports and protocols".to_owned(),
            Self::Ports { protocol, ports } if *ports == (0..=u16::MAX) => format!("all {protocol} ports"),
            Self::Ports { protocol, ports } if ports.start() == ports.end() => {
                let port = ports.start();
                match HIGH_RISK.iter().find(|(known, _)| known == port) {
                    Some((_, service)) => format!("{protocol} port {port} ({service})"),
                    None => format!("{protocol} port {port}"),
                }
            }
            Self::Ports { protocol, ports } => format!("{protocol} ports {}-{}", ports.start(), ports.end()),
            Self::Icmp => "ICMP".to_owned(),
            Self::Other(protocol) => format!("protocol {protocol}"),
        }
    }
}

/// The ports of a TCP or UDP rule; all of them where it gives none (or -1), and where what it gives is no port.
fn ports(rule: &IpPermission) -> RangeInclusive<u16> {
    match (rule.from_port.map(u16::try_from), rule.to_port.map(u16::try_from)) {
        (Some(Ok(from)), Some(Ok(to))) if from <= to => from..=to,
        _ => 0..=u16::MAX,
    }
}
