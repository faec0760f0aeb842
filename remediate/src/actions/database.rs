//! The end of databases: what must be said before, and what is left of them.

use common::action::Kill;
use common::settings::Remediate;
use serde::Serialize;

use super::Refusal;

/// Whether RDS makes a last snapshot of what it deletes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Final {
    pub(super) skip_final_snapshot: bool,
    #[serde(rename = "FinalDBSnapshotIdentifier", skip_serializing_if = "Option::is_none")]
    pub(super) final_db_snapshot_identifier: Option<String>,
}

impl Final {
    /// Nothing is left.
    pub(super) const NONE: Self = Self { skip_final_snapshot: true, final_db_snapshot_identifier: None };

    /// A snapshot is left, whose name nobody has given yet. It is made of what the database itself goes by (`id`, and
    /// `resource`, which no other has after it), so that it is the same each time that this is planned.
    pub(super) fn named(id: &str, resource: Option<&str>, taken: &[String]) -> Self {
        // `db-...` and `cluster-...`; RDS writes names in small letters.
        let own = resource.and_then(|resource| resource.split_once('-'));
        let own = own.map(|(_, own)| format!("-{}", own.to_ascii_lowercase())).unwrap_or_default();
        let name = format!("{id}-sluice-final{own}");
        let mut free = name.clone();
        let mut next = 2;
        while taken.contains(&free) {
            free = format!("{name}-{next}");
            next += 1;
        }
        Self { skip_final_snapshot: false, final_db_snapshot_identifier: Some(free) }
    }
}

/// Whether the settings want one; they do unless they say no.
pub(super) fn wants_final_snapshot(settings: &Remediate) -> bool {
    settings.final_snapshot != Some(false)
}

/// Refuses to remove a database that is protected, or that nobody said may go with its data.
pub(super) fn may_be_removed(kill: Kill, deletion_protection: Option<bool>) -> Result<(), Refusal> {
    if deletion_protection == Some(true) {
        return Err(Refusal::Impossible("its deletion protection is on: turn that off first".to_owned()));
    }
    if !kill.include_data {
        return Err(Refusal::Impossible(
            "it is a database: to remove it, give the action as {\"name\":\"kill\",\"IncludeData\":true}".to_owned(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_snapshot_has_a_name_that_rds_takes_and_no_other_has() {
        let named = |resource: Option<&str>, taken: &[&str]| {
            let taken: Vec<String> = taken.iter().map(|&name| name.to_owned()).collect();
            Final::named("shop", resource, &taken).final_db_snapshot_identifier.unwrap()
        };
        for (resource, taken, name) in [
            (Some("db-ABC"), &[][..], "shop-sluice-final-abc"),
            (Some("cluster-ABC"), &["shop-sluice-final", "other"], "shop-sluice-final-abc"),
            (Some("db-ABC"), &["shop-sluice-final-abc"], "shop-sluice-final-abc-2"),
            (Some("db-ABC"), &["shop-sluice-final-abc-2", "shop-sluice-final-abc"], "shop-sluice-final-abc-3"),
            (None, &[], "shop-sluice-final"),
            (None, &["shop-sluice-final"], "shop-sluice-final-2"),
        ] {
            assert_eq!(named(resource, taken), name);
        }
    }
}
