//! Plausible names for users. A thief sees them: `GetCallerIdentity` cannot be denied, and most refusals name the caller.
//!
//! - `template`: how names are built. `words`: what of. `lint`: by what tools know a decoy.
//! - `random`: chance.

mod lint;
mod random;
mod template;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(crate) use lint::{known_decoy_account, lint};

use random::below;
use template::Template;

/// How often chance is tried before all names are gone through.
const TRIES: usize = 256;

/// How many names of one template are gone through at most, so that the search ends.
const MOST: u64 = 1 << 20;

/// Makes names.
#[derive(Clone, Debug)]
pub(crate) struct Namer {
    templates: Vec<Template>,
}

/// Why there is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    /// A template names words that nobody has listed.
    #[error(
        "the name template `{template}`: there are no words `{class}` (there are {known}); list some in [honeytoken.words]"
    )]
    Unknown {
        /// The template.
        template: String,
        /// What it names.
        class: String,
        /// What it could name.
        known: String,
    },
    /// A list of words is empty.
    #[error("the name template `{template}`: the list `{class}` in [honeytoken.words] is empty")]
    Empty {
        /// The template.
        template: String,
        /// The list.
        class: String,
    },
    /// A template makes what IAM does not take.
    #[error("the name template `{template}`: {why}")]
    Unfit {
        /// The template.
        template: String,
        /// Why.
        why: String,
    },
    /// All names are taken.
    #[error("{templates} can make no more names: give more templates or words, or a number such as {{nn}}")]
    RunOut {
        /// The templates.
        templates: String,
    },
    /// The system has no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

impl From<getrandom::Error> for NameError {
    fn from(error: getrandom::Error) -> Self {
        Self::Random(error)
    }
}

impl Namer {
    /// A maker of names by these templates, or by the built-in ones where there are none. `words` replaces and adds to the
    /// built-in lists.
    ///
    /// # Errors
    ///
    /// A template makes no names, or such as IAM does not take, or such as a thief's tool knows.
    pub(crate) fn new(templates: &[String], words: &BTreeMap<String, Vec<String>>) -> Result<Self, NameError> {
        let texts: Vec<&str> = match templates {
            [] => words::TEMPLATES.to_vec(),
            some => some.iter().map(String::as_str).collect(),
        };
        let templates = texts.iter().map(|text| Template::parse(text, words)).collect::<Result<_, _>>()?;
        Ok(Self { templates })
    }

    /// A name that nobody has, and that no tool knows for a decoy's. `taken` is asked with names in lower case, for IAM knows
    /// no two names that differ in case alone.
    ///
    /// # Errors
    ///
    /// All names are taken, or there is no chance in this system.
    pub(crate) fn next(&self, taken: impl Fn(&str) -> bool) -> Result<String, NameError> {
        let fits = |name: &String| !taken(&name.to_lowercase()) && lint(name, "/").is_empty();
        let templates = u64::try_from(self.templates.len()).unwrap_or(u64::MAX).max(1);
        for _ in 0..TRIES {
            let template = usize::try_from(below(templates)?).ok().and_then(|number| self.templates.get(number));
            let Some(template) = template else { break };
            let name = template.name(below(template.names())?);
            if fits(&name) {
                return Ok(name);
            }
        }
        // Chance finds few of the last names.
        for template in &self.templates {
            let start = below(template.names())?;
            for step in 0..template.names().min(MOST) {
                let name = template.name((start + step) % template.names());
                if fits(&name) {
                    return Ok(name);
                }
            }
        }
        let templates: Vec<_> = self.templates.iter().map(|template| format!("`{}`", template.text())).collect();
        let templates = match templates.len() {
            1 => format!("the name template {}", templates.concat()),
            _ => format!("the name templates {}", templates.join(", ")),
        };
        Err(NameError::RunOut { templates })
    }
}
