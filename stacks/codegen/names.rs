//! Names in the schemas' `PascalCASE` to Rust's.

/// `EnableDns64` to `enable_dns64`, `KMSMasterKeyID` to `kms_master_key_id`.
pub(super) fn snake(name: &str) -> String {
    words(name).join("_")
}

/// `VPCGatewayAttachment` to `VpcGatewayAttachment`.
pub(super) fn pascal(name: &str) -> String {
    let mut out = String::new();
    for word in words(name) {
        let digits_meet = out.ends_with(|c: char| c.is_ascii_digit())
            && word.starts_with(|c: char| c.is_ascii_digit());
        if digits_meet {
            out.push('_');
        }
        let mut chars = word.chars();
        out.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(chars.as_str());
    }
    if out == "Self" {
        out.push('_');
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, 'V');
    }
    out
}

/// A name that is safe as a method or argument.
pub(super) fn method(name: &str) -> String {
    // The keywords, and `new`, which is the constructor.
    const TAKEN: &str = " abstract as async await become box break const continue crate do dyn else \
        enum extern false final fn for gen if impl in let loop macro \
        match mod move mut override priv pub ref return self static struct super \
        trait true try type typeof unsafe unsized use virtual where while yield new ";
    let name = snake(name);
    if TAKEN.contains(&format!(" {name} ")) { format!("{name}_") } else { name }
}

fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (index, &c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            words.push(String::new());
            continue;
        }
        if index > 0 && starts_word(&chars, index) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn starts_word(chars: &[char], index: usize) -> bool {
    let (before, here) = (chars[index - 1], chars[index]);
    if !here.is_ascii_uppercase() {
        return false;
    }
    if before.is_ascii_lowercase() || before.is_ascii_digit() {
        return true;
    }
    // The last capital of a run starts a word (`KMSMaster`), unless what follows
    // is a plural (`ARNs`).
    let next = chars.get(index + 1).is_some_and(char::is_ascii_lowercase);
    let plural = chars.get(index + 1) == Some(&'s')
        && chars.get(index + 2).is_none_or(char::is_ascii_uppercase);
    before.is_ascii_uppercase() && next && !plural
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_properties() {
        for (name, expected) in [
            ("EnableDns64", "enable_dns64"),
            ("KMSMasterKeyID", "kms_master_key_id"),
            ("Ipv4IpamPoolId", "ipv4_ipam_pool_id"),
            ("ResourceARNs", "resource_arns"),
            ("IPV6Enabled", "ipv6_enabled"),
            ("Type", "type_"),
        ] {
            assert_eq!(method(name), expected);
        }
    }

    #[test]
    fn words_of_types_and_values() {
        for (name, expected) in [
            ("VPCGatewayAttachment", "VpcGatewayAttachment"),
            ("x86_64", "X86_64"),
            ("provided.al2023", "ProvidedAl2023"),
            ("AFTER_30_DAYS", "After30Days"),
            ("cloud-watch-logs", "CloudWatchLogs"),
            ("Self", "Self_"),
            ("2012", "V2012"),
        ] {
            assert_eq!(pascal(name), expected);
        }
    }
}
