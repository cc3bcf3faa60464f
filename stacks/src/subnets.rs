//! Subnet arithmetic: from one range to the subnets of each zone.

use ipnet::Ipv4Net;

use crate::SpecError;
use crate::spec::NetworkSpec;

/// AWS allows VPCs and subnets of these prefix lengths.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html>
const PREFIXES: std::ops::RangeInclusive<u8> = 16..=28;

/// By how much a subnet's prefix is longer than the VPC's, unless it is set.
const EXTRA_BITS: u8 = 4;

/// The private ranges of RFC 1918.
const PRIVATE: [Ipv4Net; 3] = [
    Ipv4Net::new_assert(std::net::Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(std::net::Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(std::net::Ipv4Addr::new(192, 168, 0, 0), 16),
];

/// The subnets of one availability zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ZoneSubnets {
    /// Reachable from the internet gateway.
    pub(crate) public: Ipv4Net,
    /// Where everything runs.
    pub(crate) private: Ipv4Net,
}

/// The subnets of each zone, in order.
///
/// Zone `n` takes the ranges `2n` and `2n + 1`, so that a zone added later leaves
/// the subnets of the others where they are.
pub(crate) fn plan(spec: &NetworkSpec) -> Result<Vec<ZoneSubnets>, SpecError> {
    check_zones(spec.zones)?;
    check_range(spec.cidr)?;
    check_reserved(spec)?;
    let prefix = subnet_prefix(spec)?;
    let wanted = 2 * usize::from(spec.zones);
    let ranges: Vec<Ipv4Net> =
        spec.cidr.subnets(prefix).into_iter().flatten().take(wanted).collect();
    if ranges.len() < wanted {
        return Err(too_small(spec, prefix, wanted, ranges.len()));
    }
    Ok(ranges.chunks(2).map(|pair| ZoneSubnets { public: pair[0], private: pair[1] }).collect())
}

fn check_zones(zones: u8) -> Result<(), SpecError> {
    if (1..=3).contains(&zones) {
        return Ok(());
    }
    Err(SpecError::new("network.zones", format!("{zones} is out of range"), "choose 1 to 3 zones"))
}

fn check_range(cidr: Ipv4Net) -> Result<(), SpecError> {
    let error = |message, hint| Err(SpecError::new("network.cidr", message, hint));
    if cidr.trunc() != cidr {
        return error(
            format!("{cidr} is an address in a range, not a range"),
            format!("write {}", cidr.trunc()),
        );
    }
    if !PREFIXES.contains(&cidr.prefix_len()) {
        return error(
            format!("{cidr} is a /{}, and a VPC is a /16 to a /28", cidr.prefix_len()),
            "a /16 has room for everything".into(),
        );
    }
    if !PRIVATE.iter().any(|private| private.contains(&cidr)) {
        return error(
            format!("{cidr} is not a private range"),
            "take one out of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 (RFC 1918)".into(),
        );
    }
    Ok(())
}

fn check_reserved(spec: &NetworkSpec) -> Result<(), SpecError> {
    let overlaps = |other: &&Ipv4Net| spec.cidr.contains(*other) || other.contains(&spec.cidr);
    match spec.reserved_cidrs.iter().find(overlaps) {
        None => Ok(()),
        Some(reserved) => Err(SpecError::new(
            "network.cidr",
            format!("{} overlaps {reserved}, which is reserved", spec.cidr),
            "choose a range outside network.reserved_cidrs",
        )),
    }
}

fn subnet_prefix(spec: &NetworkSpec) -> Result<u8, SpecError> {
    let vpc = spec.cidr.prefix_len();
    let Some(prefix) = spec.subnet_prefix else {
        return Ok((vpc + EXTRA_BITS).min(*PREFIXES.end()));
    };
    if PREFIXES.contains(&prefix) && prefix >= vpc {
        return Ok(prefix);
    }
    Err(SpecError::new(
        "network.subnet_prefix",
        format!("/{prefix} subnets are not possible in {}", spec.cidr),
        format!("choose {vpc} to {}", PREFIXES.end()),
    ))
}

fn too_small(spec: &NetworkSpec, prefix: u8, wanted: usize, fit: usize) -> SpecError {
    let default = spec.subnet_prefix.is_none();
    let message = format!(
        "{} is too small: {} {} {wanted} subnets, and {fit} of /{prefix} {}",
        spec.cidr,
        spec.zones,
        if spec.zones == 1 { "zone needs" } else { "zones need" },
        if fit == 1 { "fits" } else { "fit" },
    );
    let bits = u8::try_from(wanted.next_power_of_two().trailing_zeros()).unwrap_or(EXTRA_BITS);
    let (field, hint) = if default {
        let largest = PREFIXES.end() - bits;
        ("network.cidr", format!("use a /{largest} or larger, or fewer zones"))
    } else {
        let longest = spec.cidr.prefix_len() + bits;
        ("network.subnet_prefix", format!("use a prefix of {longest} or more, or fewer zones"))
    };
    SpecError::new(field, message, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(cidr: &str, zones: u8, subnet_prefix: Option<u8>) -> NetworkSpec {
        NetworkSpec { cidr: cidr.parse().unwrap(), zones, subnet_prefix, ..NetworkSpec::default() }
    }

    fn refusal(spec: &NetworkSpec) -> (String, String) {
        let error = plan(spec).unwrap_err();
        (error.field, error.message)
    }

    fn texts(spec: &NetworkSpec) -> Vec<String> {
        let zones = plan(spec).unwrap();
        zones.iter().map(|zone| format!("{} {}", zone.public, zone.private)).collect()
    }

    #[test]
    fn default_gives_twentieths_of_a_sixteenth() {
        assert_eq!(texts(&NetworkSpec::default()), ["10.40.0.0/20 10.40.16.0/20"]);
    }

    #[test]
    fn a_zone_more_leaves_the_others_in_place() {
        let three = texts(&spec("10.40.0.0/16", 3, None));
        assert_eq!(three[..2], texts(&spec("10.40.0.0/16", 2, None))[..]);
        assert_eq!(three[2], "10.40.64.0/20 10.40.80.0/20");
    }

    #[test]
    fn subnets_never_overlap_and_stay_inside() {
        for (cidr, prefix) in [("192.168.0.0/24", Some(27)), ("172.16.0.0/16", None)] {
            let spec = spec(cidr, 3, prefix);
            let all: Vec<_> =
                plan(&spec).unwrap().iter().flat_map(|zone| [zone.public, zone.private]).collect();
            assert_eq!(all.len(), 6);
            for (index, one) in all.iter().enumerate() {
                assert!(spec.cidr.contains(one));
                assert!(all[index + 1..].iter().all(|two| !one.contains(two)));
            }
        }
    }

    #[test]
    fn small_range_caps_the_default_prefix() {
        assert_eq!(texts(&spec("10.0.0.0/27", 1, None)), ["10.0.0.0/28 10.0.0.16/28"]);
    }

    #[test]
    fn too_small() {
        let error = plan(&spec("10.0.0.0/28", 1, None)).unwrap_err();
        assert_eq!(
            error.message,
            "10.0.0.0/28 is too small: 1 zone needs 2 subnets, and 1 of /28 fits"
        );
        assert_eq!(error.hint, "use a /27 or larger, or fewer zones");
        let error = plan(&spec("10.0.0.0/16", 3, Some(18))).unwrap_err();
        assert_eq!(error.field, "network.subnet_prefix");
        assert_eq!(error.hint, "use a prefix of 19 or more, or fewer zones");
    }

    #[test]
    fn not_private() {
        for cidr in ["8.8.0.0/16", "172.32.0.0/16", "100.64.0.0/16"] {
            let (field, message) = refusal(&spec(cidr, 1, None));
            assert_eq!(field, "network.cidr");
            assert_eq!(message, format!("{cidr} is not a private range"));
        }
    }

    #[test]
    fn outside_what_aws_allows() {
        assert_eq!(
            refusal(&spec("10.0.0.0/8", 1, None)).1,
            "10.0.0.0/8 is a /8, and a VPC is a /16 to a /28"
        );
        assert!(refusal(&spec("10.0.0.0/29", 1, None)).1.contains("is a /29"));
    }

    #[test]
    fn host_bits_set() {
        let error = plan(&spec("10.40.3.0/16", 1, None)).unwrap_err();
        assert_eq!(error.hint, "write 10.40.0.0/16");
    }

    #[test]
    fn overlapping_reserved() {
        for reserved in ["10.40.128.0/17", "10.0.0.0/8", "10.40.0.0/16"] {
            let reserved_cidrs = vec!["10.1.0.0/16".parse().unwrap(), reserved.parse().unwrap()];
            let spec = NetworkSpec { reserved_cidrs, ..NetworkSpec::default() };
            let (field, message) = refusal(&spec);
            assert_eq!(field, "network.cidr");
            assert_eq!(message, format!("10.40.0.0/16 overlaps {reserved}, which is reserved"));
        }
    }

    #[test]
    fn impossible_subnet_prefix() {
        for prefix in [8, 15, 29, 33] {
            let (field, _) = refusal(&spec("10.40.0.0/16", 1, Some(prefix)));
            assert_eq!(field, "network.subnet_prefix");
        }
    }
}
