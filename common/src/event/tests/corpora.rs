//! Real records, which are nobody's to copy: `make corpora DIR=...`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::event::{Events, Record, What};

/// All files below a directory, in their order.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json" || extension == "gz") {
            found.push(path);
        }
    }
}

/// Every record of every file below the directory that `SLUICE_CORPORA` names is a record, and is read: what was found is
/// counted on stderr.
#[test]
#[ignore = "needs CloudTrail files: SLUICE_CORPORA names their directory (make corpora DIR=...)"]
fn every_record_of_the_corpora_is_read() {
    let directory = std::env::var_os("SLUICE_CORPORA").expect("SLUICE_CORPORA names a directory of CloudTrail files");
    let mut paths = Vec::new();
    files(Path::new(&directory), &mut paths);
    let (mut versions, mut others, mut complaints) =
        (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new(), Vec::new());
    for path in &paths {
        for found in Events::new(File::open(path).unwrap()) {
            match found.map(|found| found.what) {
                Ok(What::Record(item)) => {
                    let record = Record::parse(&item.text).unwrap();
                    let known = [&record.event_name, &record.event_source, &record.event_time, &record.event_version];
                    if known.iter().any(|text| text.is_empty()) || record.account().is_empty() {
                        complaints.push(format!(
                            "{}: line {}: fields are missing: {record:?}",
                            path.display(),
                            item.line
                        ));
                    }
                    *versions.entry(record.event_version.to_string()).or_default() += 1;
                }
                Ok(what) => *others.entry(format!("{what:.60?}")).or_default() += 1,
                Err(error) => complaints.push(format!("{}: {error}", path.display())),
            }
        }
    }
    let total: usize = versions.values().sum();
    let mut out = std::io::stderr().lock();
    writeln!(out, "{} files, {total} records: {versions:?}; other things: {others:?}", paths.len()).unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(total > 0, "no records below {}", Path::new(&directory).display());
}
