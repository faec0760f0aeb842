//! Templates of names: `svc-{service}-{env}`.

use std::collections::BTreeMap;

use super::{NameError, lint, words};

/// The longest name of a user that IAM takes.
const LONGEST: usize = 64;

/// How many names a template is taken to have at most: enough, and far from where numbers end.
const PLENTY: u64 = 1 << 62;

/// A template that makes names that IAM takes.
#[derive(Clone, Debug)]
pub(super) struct Template {
    text: String,
    parts: Vec<Part>,
    names: u64,
}

/// A part of a template.
#[derive(Clone, Debug)]
enum Part {
    Text(String),
    /// One of these words.
    Word(Vec<String>),
}

impl Part {
    fn choices(&self) -> u64 {
        match self {
            Self::Text(_) => 1,
            Self::Word(words) => u64::try_from(words.len()).unwrap_or(u64::MAX),
        }
    }

    fn longest(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Word(words) => words.iter().map(String::len).max().unwrap_or(0),
        }
    }
}

impl Template {
    /// Reads a template. `{service}` stands for one of the words of that list, `{Service}` for one with a capital letter,
    /// `{n}` for a number from 1 to 9, `{nn}` from 01 to 99, and so on.
    pub(super) fn parse(text: &str, lists: &BTreeMap<String, Vec<String>>) -> Result<Self, NameError> {
        let unfit = |why: String| NameError::Unfit { template: text.to_owned(), why };
        let (mut parts, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            let (before, after) = rest.split_once('{').map_or((rest, None), |(before, after)| (before, Some(after)));
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let Some(after) = after else { break };
            let Some((class, behind)) = after.split_once('}') else {
                return Err(unfit("a `{` has no `}`".to_owned()));
            };
            parts.push(Part::Word(words_of(text, class, lists)?));
            rest = behind;
        }
        for part in &parts {
            let all = match part {
                Part::Text(text) => std::slice::from_ref(text),
                Part::Word(words) => words,
            };
            if let Some(bad) = all.iter().find(|word| !word.chars().all(is_allowed)) {
                let bad = bad.escape_default();
                return Err(unfit(format!(
                    "`{bad}` has a character that IAM takes in no name: letters, digits and _+=,.@- it takes"
                )));
            }
            if let Part::Text(text) = part
                && let [why, ..] = lint(text, "/").as_slice()
            {
                return Err(unfit(format!("{why}, so that a thief's tool would know its names")));
            }
        }
        let longest: usize = parts.iter().map(Part::longest).sum();
        match longest {
            0 => return Err(unfit("it makes no names".to_owned())),
            1..=LONGEST => {}
            _ => return Err(unfit(format!("it makes names of {longest} characters, and IAM takes {LONGEST}"))),
        }
        let names = parts.iter().fold(1_u64, |names, part| names.saturating_mul(part.choices())).min(PLENTY);
        Ok(Self { text: text.to_owned(), parts, names })
    }

    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How many names it can make, at least one. The same may come more than once where words are alike.
    pub(super) fn names(&self) -> u64 {
        self.names
    }

    /// The name of that number.
    pub(super) fn name(&self, mut number: u64) -> String {
        let mut name = String::with_capacity(LONGEST);
        for part in &self.parts {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Word(words) => {
                    let choices = part.choices().max(1);
                    let chosen = usize::try_from(number % choices).unwrap_or_default();
                    number /= choices;
                    name.push_str(words.get(chosen).map_or("", String::as_str));
                }
            }
        }
        name
    }
}

/// What IAM takes in the name of a user.
fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)
}

/// The words of a list.
fn words_of(template: &str, class: &str, lists: &BTreeMap<String, Vec<String>>) -> Result<Vec<String>, NameError> {
    if (1..=6).contains(&class.len()) && class.bytes().all(|byte| byte == b'n') {
        let most = 10_u32.saturating_pow(u32::try_from(class.len()).unwrap_or(u32::MAX));
        return Ok((1..most).map(|number| format!("{number:0width$}", width = class.len())).collect());
    }
    let lower = class.to_lowercase();
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let words = lists.get(class).or_else(|| lists.get(&lower)).cloned().or_else(|| words::list(&lower).map(owned));
    let Some(words) = words else {
        let built_in = words::names().map(str::to_owned);
        let mut known: Vec<String> = lists.keys().cloned().chain(built_in).chain(["n".to_owned()]).collect();
        known.sort_unstable();
        known.dedup();
        let known = known.join(", ");
        return Err(NameError::Unknown { template: template.to_owned(), class: class.to_owned(), known });
    };
    if words.is_empty() || words.iter().any(String::is_empty) {
        return Err(NameError::Empty { template: template.to_owned(), class: class.to_owned() });
    }
    let capital = class.starts_with(|first: char| first.is_ascii_uppercase());
    Ok(if capital { words.iter().map(|word| capitalized(word)).collect() } else { words })
}

/// `batch-import` as `BatchImport`: that is how those write who write names in this way.
fn capitalized(word: &str) -> String {
    let mut capital = true;
    word.chars()
        .filter_map(|character| {
            if character == '-' || character == '_' {
                capital = true;
                return None;
            }
            let shown = if capital { character.to_ascii_uppercase() } else { character };
            capital = false;
            Some(shown)
        })
        .collect()
}
