//! Tokens that people name: on the command line, or in JSON values on stdin.

use std::io::Read;

use common::cli::{Failure, Say};
use common::exit::Exit;
use common::record::Token;
use common::stream::{ReadError, Reader};
use serde::Deserialize;

use crate::registry::{Registry, RegistryError};

/// A token that was named.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) token: Token,
    /// The keys by whose ids it was named; empty where the token as such is meant.
    pub(crate) keys: Vec<String>,
}

/// What has to stand in a value on stdin. A token's own record is one, too.
#[derive(Deserialize)]
struct Value {
    token: String,
}

/// The tokens that are meant, each once, in the order in which they were named first. `-` stands for stdin. What names no
/// token, or several, is said, and makes the answer incomplete.
pub(crate) fn named(
    registry: &Registry,
    names: &[String],
    input: Box<dyn Read + Send + '_>,
    say: &Say,
) -> Result<(Vec<Named>, Exit), Failure> {
    let mut found = Finder { registry, found: Vec::new(), exit: Exit::Done };
    for name in names.iter().filter(|name| *name != "-") {
        found.take(name, say)?;
    }
    if names.iter().any(|name| name == "-") {
        for item in Reader::new(input) {
            match item.and_then(|item| item.parse::<Value>().map_err(ReadError::Broken)) {
                Ok(value) => found.take(&value.token, say)?,
                Err(ReadError::Broken(broken)) => {
                    say.error(format!("stdin: {broken}"));
                    found.exit = Exit::Incomplete;
                }
                Err(ReadError::Io { source, .. }) => return Err(Failure::Input(source)),
            }
        }
    }
    Ok((found.found, found.exit))
}

/// The one token of that name, or why there is none to be meant.
pub(crate) fn one(registry: &Registry, name: &str) -> Result<Result<Token, String>, RegistryError> {
    Ok(match <[Token; 1]>::try_from(registry.find(name)?) {
        Ok([token]) => Ok(token),
        Err(none) if none.is_empty() => Err(format!("there is no token `{}`", name.escape_debug())),
        Err(several) => {
            let ids: Vec<String> = several.iter().map(|it| format!("{} in {}", it.token, it.account)).collect();
            Err(format!("`{}` names several tokens: {}; name it by its id", name.escape_debug(), ids.join(", ")))
        }
    })
}

struct Finder<'a> {
    registry: &'a Registry,
    found: Vec<Named>,
    exit: Exit,
}

impl Finder<'_> {
    fn take(&mut self, name: &str, say: &Say) -> Result<(), Failure> {
        let token = match one(self.registry, name)? {
            Ok(token) => token,
            Err(why) => {
                self.exit = Exit::Incomplete;
                say.error(why);
                return Ok(());
            }
        };
        let keys: Vec<String> = token.keys.iter().filter(|key| key.id == name).map(|key| key.id.clone()).collect();
        match self.found.iter_mut().find(|it| it.token.token == token.token) {
            // The whole is more than each of its parts.
            Some(known) if keys.is_empty() => known.keys.clear(),
            Some(known) if !known.keys.is_empty() => {
                // In whatever order they were named, each once.
                known.keys.extend(keys);
                known.keys.sort_unstable();
                known.keys.dedup();
            }
            Some(_) => {}
            None => self.found.push(Named { token, keys }),
        }
        Ok(())
    }
}
