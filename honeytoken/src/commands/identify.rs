//! `honeytoken identify`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

use common::cli::{Failure, Io};
use common::exit::Exit;
use common::record::{KeyStatus, Token, TokenState};
use common::stream::Writer;
use serde::Serialize;

use crate::context::Context;
use crate::key_id::KeyId;
use crate::names::known_decoy_account;
use crate::registry::{Key, Registry};
use crate::scan::{Found, scan};

/// `honeytoken identify`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Files [default: stdin]
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// What is said of a key in a text.
#[derive(Serialize)]
struct Record<'a> {
    kind: &'static str,
    /// The file; absent where it is stdin.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    /// Where the first part of it starts.
    line: u64,
    key: &'a str,
    /// Whether it is a token's.
    ours: bool,
    /// What was found of it: `id`, `secret`.
    matched: &'a [&'static str],
    account: Option<&'a str>,
    #[serde(flatten)]
    whose: Option<Whose<'a>>,
    /// Whose decoys are in the account, where that is on a public list.
    #[serde(skip_serializing_if = "Option::is_none")]
    known_decoys: Option<&'static str>,
}

/// Whose key it is, where it is a token's.
#[derive(Serialize)]
struct Whose<'a> {
    token: &'a str,
    id: &'a str,
    owner: &'a str,
    location: &'a str,
    state: TokenState,
    status: KeyStatus,
}

/// How many keys that are not ours are remembered of a text, so that each is told once: there may be as many as one likes.
const REMEMBERED: usize = 100_000;

/// Say which keys of a text are tokens.
pub(crate) fn run(args: Args, context: Context<'_>) -> Result<Exit, Failure> {
    let Args { files } = args;
    let registry = context.open()?;
    let known = Known::load(&registry)?;
    let Io { input, output, say, .. } = context.io;
    let mut writer = Writer::new(output);
    let mut any = false;
    if files.is_empty() {
        any = known.identify(input, None, &mut writer)?;
    }
    let mut broken = false;
    for path in files {
        let name = path.to_string_lossy();
        let outcome =
            File::open(&path).map_err(Failure::Input).and_then(|file| known.identify(file, Some(&name), &mut writer));
        match outcome {
            Ok(found) => any |= found,
            Err(Failure::Input(error)) => {
                say.error(format_args!("cannot read {name}: {error}"));
                broken = true;
            }
            Err(failure) => return Err(failure),
        }
    }
    writer.flush().map_err(Failure::Output)?;
    // As of grep: what could not be read may have had one.
    Ok(match (broken, any) {
        (true, _) => Exit::Incomplete,
        (false, true) => Exit::Done,
        (false, false) => Exit::No,
    })
}

/// What the registry knows.
struct Known<'a> {
    registry: &'a Registry,
    keys: Vec<Key>,
    tokens: HashMap<String, Token>,
    /// By id, and by what is kept of the secret: numbers in `keys`.
    ids: HashMap<String, usize>,
    marks: HashMap<Vec<u8>, usize>,
}

impl<'a> Known<'a> {
    fn load(registry: &'a Registry) -> Result<Self, Failure> {
        let keys = registry.keys()?;
        let tokens = registry.all_tokens()?.into_iter().map(|token| (token.token.clone(), token)).collect();
        let ids = keys.iter().enumerate().map(|(number, key)| (key.id.clone(), number)).collect();
        let marks = keys.iter().enumerate().filter_map(|(number, key)| Some((key.mark.clone()?, number))).collect();
        Ok(Self { registry, keys, tokens, ids, marks })
    }

    /// The key whose secret this is. Who does not know the registry's key learns nothing from how long this takes, for a mark
    /// tells nothing of the secret; and the comparison that counts always takes the same time.
    fn by_secret(&self, candidate: &str) -> Option<usize> {
        let number = *self.marks.get(self.registry.mark(candidate).as_slice())?;
        let mark = self.keys.get(number)?.mark.as_deref()?;
        self.registry.is_marked(mark, candidate).then_some(number)
    }

    /// Says of each key in a text what it is, once; answers whether any is ours.
    fn identify<W: Write>(
        &self,
        input: impl Read,
        file: Option<&str>,
        writer: &mut Writer<W>,
    ) -> Result<bool, Failure> {
        // Of ours, it is said at the end whether id and secret are there: line, id, secret.
        let mut ours: BTreeMap<usize, (u64, bool, bool)> = BTreeMap::new();
        let (mut others, mut written) = (HashSet::new(), Ok(()));
        let read = scan(input, |found, line| match found {
            Found::Candidate(text) => {
                if let Some(number) = self.by_secret(text) {
                    ours.entry(number).or_insert((line, false, false)).2 = true;
                }
            }
            Found::Id(text) => {
                if let Some(number) = self.ids.get(text) {
                    ours.entry(*number).or_insert((line, false, false)).1 = true;
                } else if let Some(id) = KeyId::parse(text).filter(KeyId::is_key)
                    && !others.contains(text)
                {
                    if others.len() >= REMEMBERED {
                        others.clear();
                    }
                    others.insert(text.to_owned());
                    if written.is_ok() {
                        written = writer.write(&foreign(file, line, text, &id));
                    }
                }
            }
        });
        written.map_err(Failure::Output)?;
        let mut ours: Vec<_> = ours.into_iter().collect();
        ours.sort_by_key(|(_, (line, ..))| *line);
        for (number, (line, id, secret)) in &ours {
            let matched: &[&str] = match (id, secret) {
                (true, true) => &["id", "secret"],
                (true, false) => &["id"],
                _ => &["secret"],
            };
            let Some(key) = self.keys.get(*number) else { continue };
            let Some(token) = self.tokens.get(&key.token) else { continue };
            let whose = Whose {
                token: &token.token,
                id: &token.id,
                owner: &token.owner,
                location: &token.location,
                state: token.state,
                status: key.status,
            };
            let account = Some(token.account.as_str());
            let record = Record {
                kind: "identified",
                file,
                line: *line,
                key: &key.id,
                ours: true,
                matched,
                account,
                whose: Some(whose),
                known_decoys: None,
            };
            writer.write(&record).map_err(Failure::Output)?;
        }
        read.map_err(Failure::Input)?;
        Ok(!ours.is_empty())
    }
}

/// What is said of a key that is nobody's token, as far as the registry knows.
fn foreign<'a>(file: Option<&'a str>, line: u64, key: &'a str, id: &'a KeyId) -> Record<'a> {
    let account = id.account.as_ref();
    Record {
        kind: "identified",
        file,
        line,
        key,
        ours: false,
        matched: &["id"],
        account: account.map(AsRef::as_ref),
        whose: None,
        known_decoys: account.and_then(known_decoy_account),
    }
}

#[cfg(test)]
mod tests {
    use common::clock;
    use serde_json::{Value, json};

    use super::*;
    use crate::registry::tests::token;

    const ID: &str = "AKIARTX3GSDSQAAAAAAA";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const OTHER: &str = "xJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// A registry with two tokens; of the second one's key nobody knows the secret.
    fn registry() -> Registry {
        let registry = Registry::in_memory().unwrap();
        registry.insert(&token("t1", "svc-billing"), |_| None).unwrap();
        registry.key_made("t1", ID, &registry.mark(SECRET), clock::now()).unwrap();
        registry.insert(&token("t2", "svc-mail"), |_| None).unwrap();
        registry.key_made("t2", "AKIAIOSFODNN7EXAMPLE", &registry.mark("unknown"), clock::now()).unwrap();
        registry
    }

    fn identify(text: &str) -> (bool, Vec<Value>) {
        let registry = registry();
        let known = Known::load(&registry).unwrap();
        let mut writer = Writer::new(Vec::new());
        let any = known.identify(text.as_bytes(), None, &mut writer).unwrap();
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        assert!(!text.contains(SECRET) && !text.contains(OTHER), "{text}");
        (any, text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    #[test]
    fn a_token_is_known_by_its_id_and_by_its_secret() {
        for (text, matched) in [
            (format!("{ID} {SECRET} {ID}"), json!(["id", "secret"])),
            (format!("aws_access_key_id = {ID}\naws_secret_access_key = {OTHER}"), json!(["id"])),
            (format!("curl -d secret={}", SECRET.replace('/', "%2F").replace('+', "%2B")), json!(["secret"])),
            (format!(r#"{{"SecretAccessKey":"{}"}}"#, SECRET.replace('/', "\\/")), json!(["secret"])),
        ] {
            let (any, records) = identify(&text);
            assert!(any && records.len() == 1, "{text}: {records:?}");
            let record = &records[0];
            assert_eq!(
                (&record["kind"], &record["ours"], &record["line"]),
                (&json!("identified"), &json!(true), &json!(1))
            );
            assert_eq!(
                (&record["token"], &record["key"], &record["matched"]),
                (&json!("t1"), &json!(ID), &matched),
                "{text}"
            );
            assert_eq!((&record["owner"], &record["state"]), (&json!("web"), &json!("creating")));
            assert_eq!((&record["location"], &record["status"]), (&json!("laptop-t1"), &json!("unconfirmed")));
        }
    }

    #[test]
    fn of_other_keys_the_account_is_told() {
        let (any, records) =
            identify(&format!("AIDARTX3GSDSQAAAAAAA\nAKIASP2TPHJSQH3FJRUX\nAKIASP2TPHJSQH3FJRUX {OTHER}"));
        assert!(!any, "none is ours");
        assert_eq!(
            records,
            [json!({"kind": "identified", "line": 2, "key": "AKIASP2TPHJSQH3FJRUX", "ours": false, "matched": ["id"],
                "account": "171436882533", "known_decoys": "Thinkst"})]
        );
        assert_eq!(identify("nothing here"), (false, vec![]));
    }
}
