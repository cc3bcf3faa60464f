//! Names that some file system or git itself takes for git's own files.
//!
//! A page called `.git` would be a repository's metadata once somebody clones
//! the wiki; so would names that HFS+ or NTFS fold into it (CVE-2014-9390).
//! `.gitmodules` and `.gitattributes` are no metadata, but git parses them:
//! `git fsck --strict` rejects a repository whose `.gitmodules` is prose. The
//! whole family is therefore reserved.

/// Whether `segment`, one component of a path, is or aliases a name that starts
/// with `.git`.
pub(super) fn is_reserved(segment: &str) -> bool {
    // HFS+ ignores these code points when it compares names; the list is that
    // of git's `next_hfs_char` (utf8.c).
    let folded: String = segment
        .chars()
        .filter(|c| {
            !matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
        })
        .flat_map(char::to_lowercase)
        .collect();
    folded.starts_with(".git") || is_short_name(&folded)
}

/// Whether `name` has the form of the 8.3 alias that NTFS makes for a name
/// starting with `.git`: `git~1`, `gitmod~1`, `gitatt~2`, or, after four
/// clashes, `gi` and four hex digits (`gi7eba~1`).
fn is_short_name(name: &str) -> bool {
    let Some((stem, number)) = name.split_once('~') else { return false };
    let hashed = |stem: &str| {
        stem.strip_prefix("gi")
            .is_some_and(|hash| hash.len() == 4 && hash.chars().all(|c| c.is_ascii_hexdigit()))
    };
    number.starts_with(|c: char| c.is_ascii_digit()) && (stem.starts_with("git") || hashed(stem))
}

#[cfg(test)]
mod tests {
    use super::is_reserved;

    #[test]
    fn reserved_names_and_their_aliases() {
        for name in [
            ".git",
            ".GIT",
            ".gitmodules",
            ".gitattributes",
            ".git ",
            ".git...",
            ".git::$INDEX_ALLOCATION",
            ".g\u{200c}it",
            "\u{feff}.git",
            "git~1",
            "GIT~1",
            "gitmod~1",
            "gi7eba~1",
            "gi7eba~9.txt",
        ] {
            assert!(is_reserved(name), "{name:?} must be reserved");
        }
        for name in ["git", "git.md", "about-.git", "gist~1", "gi~1", "git~notes", "x.git"] {
            assert!(!is_reserved(name), "{name:?} must be allowed");
        }
    }
}
