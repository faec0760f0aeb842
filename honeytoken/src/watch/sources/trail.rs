//! How a trail names its files:
//! `[prefix/]AWSLogs/[o-.../]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_XXXX.json.gz`.
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>

use common::id::{AccountId, Region};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Under which all trails put their files.
const ROOT: &str = "AWSLogs";
/// Those of an account's folders that hold events: not `CloudTrail-Digest`, in which there are checksums, and not
/// `CloudTrail-Insight`, in which there are statistics.
const KINDS: &[&str] = &["CloudTrail", "CloudTrail-NetworkActivity"];

/// A trail's place: `s3://bucket/prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TrailUrl {
    pub(super) bucket: String,
    /// Empty, or with a slash at its end.
    pub(super) prefix: String,
}

/// A folder, by what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Folders, those of these names alone.
    Inner { path: String, holds: Holds },
    /// The files of an account and a region, or of a year, month or day of these.
    Files(Folder),
    /// No folder of a trail's.
    None,
}

/// What the folders in a folder are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Organizations,
    Accounts,
    Kinds,
    Regions,
}

/// Where the files of an account and a region are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folder {
    /// `.../AWSLogs/111122223333/CloudTrail/eu-west-1/`.
    path: String,
    /// The beginning of a file's name, up to its time; absent where it is not documented.
    name: Option<String>,
    /// What the files' keys begin with: the path, or a part of it that was asked for.
    pub(super) prefix: String,
}

impl TrailUrl {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// In words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, "")));
        match rest {
            Some((bucket, prefix)) if !bucket.is_empty() => {
                let prefix = prefix.trim_matches('/');
                let slash = if prefix.is_empty() { "" } else { "/" };
                Ok(Self { bucket: bucket.to_owned(), prefix: format!("{prefix}{slash}") })
            }
            _ => Err(format!(
                "`{}` is no place of a trail's files: s3://bucket/prefix is expected",
                text.escape_default()
            )),
        }
    }

    /// Where to begin.
    pub(super) fn root(&self) -> Place {
        let within = self
            .prefix
            .rsplit_once(&format!("{ROOT}/"))
            .is_some_and(|(before, _)| before.ends_with('/') || before.is_empty());
        place(&if within { self.prefix.clone() } else { format!("{}{ROOT}/", self.prefix) })
    }

    /// As it was given.
    pub(super) fn shown(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }
}

/// What a folder is, by its whole name.
pub(super) fn place(path: &str) -> Place {
    let Some((before, rest)) = path.rsplit_once(&format!("{ROOT}/")) else { return Place::None };
    let mut names: Vec<&str> = rest.split_terminator('/').collect();
    let is_organization = |name: &&str| name.starts_with("o-");
    let in_organization = names.first().is_some_and(is_organization);
    if in_organization {
        names.remove(0);
    }
    let inner = |holds| Place::Inner { path: path.to_owned(), holds };
    let is_account = |name: &str| name.parse::<AccountId>().is_ok();
    let is_region = |name: &str| name.parse::<Region>().is_ok();
    match names[..] {
        [] if in_organization => inner(Holds::Accounts),
        [] => inner(Holds::Organizations),
        [account] if is_account(account) => inner(Holds::Kinds),
        [account, kind] if is_account(account) && KINDS.contains(&kind) => inner(Holds::Regions),
        [account, kind, region, ..] if is_account(account) && KINDS.contains(&kind) && is_region(region) => {
            let organization = rest.split('/').next().filter(|_| in_organization);
            let organization = organization.map(|name| format!("{name}/")).unwrap_or_default();
            let path_of_region = format!("{before}{ROOT}/{organization}{account}/{kind}/{region}/");
            let name = (kind == "CloudTrail").then(|| format!("{account}_{kind}_{region}_"));
            Place::Files(Folder { path: path_of_region, name, prefix: path.to_owned() })
        }
        _ => Place::None,
    }
}

impl Holds {
    /// Whether a folder in such a one is of interest; the folder by its whole name.
    pub(super) fn has(self, folder: &str) -> bool {
        match place(folder) {
            Place::None => false,
            Place::Files(_) => self == Self::Regions,
            Place::Inner { holds, .. } => match self {
                Self::Organizations => matches!(holds, Holds::Accounts | Holds::Kinds),
                Self::Accounts => holds == Holds::Kinds,
                Self::Kinds => holds == Holds::Regions,
                Self::Regions => false,
            },
        }
    }
}

impl Folder {
    /// The key behind which all files of this time and later ones are.
    pub(super) fn before(&self, from: Timestamp) -> String {
        let day = from.strftime("%Y/%m/%d/");
        let name = self.name.as_ref().map(|name| format!("{name}{}", from.strftime("%Y%m%dT%H%M")));
        format!("{}{day}{}", self.path, name.unwrap_or_default())
    }

    /// When a file was delivered, by its name; `None` for what is no file of events.
    pub(super) fn time(&self, key: &str) -> Option<Timestamp> {
        let name = key.strip_prefix(&self.path)?.rsplit('/').next()?;
        let stem = name.strip_suffix(".json.gz")?;
        stem.split('_').find_map(|part| {
            let (date, time) = part.strip_suffix('Z')?.split_once('T')?;
            if date.len() != 8 || time.len() != 4 {
                return None;
            }
            let whole: DateTime = format!("{date}T{time}00").parse().ok()?;
            Some(whole.to_zoned(TimeZone::UTC).ok()?.timestamp())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &str) -> Folder {
        match place(path) {
            Place::Files(folder) => folder,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn a_url_is_a_trails_or_anything_below() {
        for (url, bucket, root) in [
            ("s3://logs", "logs", "AWSLogs/"),
            ("s3://logs/", "logs", "AWSLogs/"),
            ("s3://logs/audit/trail", "logs", "audit/trail/AWSLogs/"),
            ("s3://logs/NotAWSLogs/", "logs", "NotAWSLogs/AWSLogs/"),
            ("s3://logs/audit/AWSLogs", "logs", "audit/AWSLogs/"),
            ("s3://logs/AWSLogs/o-abc/", "logs", "AWSLogs/o-abc/"),
        ] {
            let url = TrailUrl::parse(url).unwrap();
            assert_eq!(url.bucket, bucket);
            let Place::Inner { path, .. } = url.root() else { panic!("{url:?}: {:?}", url.root()) };
            assert_eq!(path, root);
        }
        for bad in ["", "logs", "https://logs.s3.amazonaws.com/", "s3://", "s3:///AWSLogs"] {
            assert!(TrailUrl::parse(bad).unwrap_err().contains("s3://bucket/prefix"), "{bad}");
        }
    }

    #[test]
    fn folders_are_told_apart_and_digests_are_none() {
        let holds = |path: &str| match place(path) {
            Place::Inner { holds, .. } => Some(holds),
            _ => None,
        };
        assert_eq!(holds("p/AWSLogs/"), Some(Holds::Organizations));
        assert_eq!(holds("p/AWSLogs/o-abc/"), Some(Holds::Accounts));
        assert_eq!(holds("p/AWSLogs/111122223333/"), Some(Holds::Kinds));
        assert_eq!(holds("p/AWSLogs/o-abc/111122223333/CloudTrail/"), Some(Holds::Regions));
        for none in ["p/", "AWSLogs/111/", "AWSLogs/111122223333/CloudTrail-Digest/", "AWSLogs/111122223333/Config/"] {
            assert_eq!(place(none), Place::None, "{none}");
        }
        for (holds, folder, expected) in [
            (Holds::Organizations, "AWSLogs/111122223333/", true),
            (Holds::Organizations, "AWSLogs/o-abc/", true),
            (Holds::Organizations, "AWSLogs/elb/", false),
            (Holds::Accounts, "AWSLogs/o-abc/111122223333/", true),
            (Holds::Kinds, "AWSLogs/111122223333/CloudTrail/", true),
            (Holds::Kinds, "AWSLogs/111122223333/CloudTrail-NetworkActivity/", true),
            (Holds::Kinds, "AWSLogs/111122223333/CloudTrail-Insight/", false),
            (Holds::Regions, "AWSLogs/111122223333/CloudTrail/eu-west-1/", true),
            (Holds::Regions, "AWSLogs/111122223333/CloudTrail/x/", false),
        ] {
            assert_eq!(holds.has(folder), expected, "{folder}");
        }
        let day = folder("AWSLogs/o-abc/111122223333/CloudTrail/eu-west-1/2026/11/");
        assert_eq!(day.path, "AWSLogs/o-abc/111122223333/CloudTrail/eu-west-1/");
        assert_eq!(day.prefix, "AWSLogs/o-abc/111122223333/CloudTrail/eu-west-1/2026/11/");
    }

    #[test]
    fn the_time_is_in_the_name_and_what_comes_later_sorts_behind_it() {
        let folder = folder("AWSLogs/111122223333/CloudTrail/eu-west-1/");
        let key = |day: &str, name: &str| format!("AWSLogs/111122223333/CloudTrail/eu-west-1/{day}/{name}");
        let at = "2026-11-20T09:55:00Z".parse().unwrap();
        let file = key("2026/11/20", "111122223333_CloudTrail_eu-west-1_20261120T0955Z_aBcD.json.gz");
        assert_eq!(folder.time(&file), Some(at));
        let before = folder.before(at);
        assert!(before < file, "{before}");
        assert!(before > key("2026/11/20", "111122223333_CloudTrail_eu-west-1_20261120T0950Z_aBcD.json.gz"));
        assert!(before > key("2026/11/19", "111122223333_CloudTrail_eu-west-1_20261119T2355Z_aBcD.json.gz"));
        assert!(before < key("2026/11/21", "111122223333_CloudTrail_eu-west-1_20261121T0000Z_aBcD.json.gz"));
        for odd in [
            "",
            "x.json.gz",
            "111122223333_CloudTrail_eu-west-1_20261120T0955Z_aBcD.json",
            "a_20269920T0955Z_b.json.gz",
        ] {
            assert_eq!(folder.time(&key("2026/11/20", odd)), None, "{odd}");
        }
        let Place::Files(network) = place("AWSLogs/111122223333/CloudTrail-NetworkActivity/eu-west-1/") else {
            panic!()
        };
        assert_eq!(network.before(at), "AWSLogs/111122223333/CloudTrail-NetworkActivity/eu-west-1/2026/11/20/");
    }
}
