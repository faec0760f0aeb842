//! Tokens on their way in: records as `export` writes them, or SpaceCrab's table, packed or not.

mod moment;
mod sort;
mod spacecrab;

use std::collections::BTreeSet;
use std::io::Read;

use common::arn::Arn;
use common::cli::{Failure, Say};
use common::exit::Exit;
use common::record::Token;
use common::stream::{Item, ReadError, Reader};
use serde::Deserialize;

use crate::registry::{Incoming, Registry, Taken};
use crate::secret::Secret;
use sort::Input;

pub(crate) use moment::moment;

/// How many are taken in at once.
const BATCH: usize = 500;

/// What was taken in.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) new: usize,
    pub(crate) known: usize,
    /// What was not.
    pub(crate) refused: usize,
}

impl Tally {
    /// Whether all of it was.
    pub(crate) fn exit(&self) -> Exit {
        if self.refused == 0 { Exit::Done } else { Exit::Incomplete }
    }
}

/// Takes in what there is. What is wrong with a line is said, and costs only that line.
pub(crate) fn run(input: impl Read + 'static, registry: &Registry, say: &Say) -> Result<Tally, Failure> {
    let mut intake = Intake { registry, say, waiting: Vec::new(), tally: Tally::default() };
    match sort::sort(input).map_err(Failure::Input)? {
        Input::Records(input) => intake.records(input)?,
        Input::Table(text) => {
            let table = spacecrab::read(&text).map_err(Failure::Incomplete)?;
            for (line, what) in table.complaints {
                intake.refuse(&format!("line {line}: {what}"));
            }
            for remark in table.remarks {
                say.warn(remark);
            }
            for (place, token, secrets) in table.tokens {
                let marks = secrets.iter().map(|(key, secret)| (key.clone(), registry.mark(secret.reveal())));
                intake.take(place, Incoming { marks: marks.collect(), token })?;
            }
        }
    }
    intake.settle()?;
    Ok(intake.tally)
}

struct Intake<'a> {
    registry: &'a Registry,
    say: &'a Say,
    /// What comes next, and where it stands in the input.
    waiting: Vec<(String, Incoming)>,
    tally: Tally,
}

impl Intake<'_> {
    fn refuse(&mut self, why: &str) {
        self.say.error(why);
        self.tally.refused += 1;
    }

    fn records(&mut self, input: impl Read) -> Result<(), Failure> {
        for item in Reader::new(input) {
            match item {
                Ok(item) => match record(&item, self.registry) {
                    Ok(incoming) => self.take(format!("line {}", item.line), incoming)?,
                    Err(why) => self.refuse(&why),
                },
                Err(ReadError::Broken(broken)) => self.refuse(&broken.to_string()),
                Err(ReadError::Io { source, .. }) => {
                    // What came before is sound.
                    self.settle()?;
                    return Err(Failure::Input(source));
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, place: String, incoming: Incoming) -> Result<(), Failure> {
        if let Err(why) = sound(&incoming.token) {
            self.refuse(&format!("{place}: {}: {why}", incoming.token.arn));
            return Ok(());
        }
        self.waiting.push((place, incoming));
        if self.waiting.len() < BATCH { Ok(()) } else { self.settle() }
    }

    fn settle(&mut self) -> Result<(), Failure> {
        let (places, batch): (Vec<String>, Vec<Incoming>) = self.waiting.drain(..).unzip();
        let taken = self.registry.take_in(&batch)?;
        for ((place, Incoming { token, .. }), taken) in places.iter().zip(&batch).zip(taken) {
            match taken {
                Taken::New => self.tally.new += 1,
                Taken::Known(state) => {
                    self.tally.known += 1;
                    if state != token.state {
                        let arn = &token.arn;
                        let came = token.state;
                        self.say.warn(format!("{place}: {arn}: it stays {state}, though it is {came} here"));
                    }
                }
                Taken::Refused(why) => self.refuse(&format!("{place}: {}: {why}", token.arn)),
            }
        }
        Ok(())
    }
}

/// What `create` writes beside the token.
#[derive(Deserialize)]
struct Given {
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
}

/// A token from a record.
fn record(item: &Item, registry: &Registry) -> Result<Incoming, String> {
    let line = item.line;
    match item.kind().map_err(|broken| broken.to_string())?.as_deref() {
        None | Some("token") => {}
        Some(other) => {
            let other: String = other.chars().take(40).collect();
            return Err(format!("line {line}: a record of the kind `{other}` is no token"));
        }
    }
    let token: Token = item.parse().map_err(|broken| broken.to_string())?;
    // Where these are something else than texts, they are none.
    let given: Option<Given> = item.parse().ok();
    let secret = given.and_then(|given| Some((given.access_key_id?, Secret::new(given.secret_access_key?))));
    let secret = secret.filter(|(key, _)| token.keys.iter().any(|known| known.id == *key));
    let marks = secret.map(|(key, secret)| (key, registry.mark(secret.reveal())));
    Ok(Incoming { marks: marks.into_iter().collect(), token })
}

/// What a token has to be, so that nothing that others read from the registry means somebody else.
fn sound(token: &Token) -> Result<(), String> {
    if token.r#type != "iam_user" {
        return Err("its type is not iam_user".into());
    }
    if !is_user(&token.arn) || token.arn.resource_name() != token.id || token.arn.account != token.account.as_str() {
        return Err("its account and id are not those of its ARN".into());
    }
    if token.token.is_empty() || token.token.len() > 128 || token.token.chars().any(|it| it.is_control() || it == ' ') {
        return Err("its id in the registry (`token`) is empty, too long, or has spaces in it".into());
    }
    let mut seen = BTreeSet::new();
    match token.keys.iter().find(|key| !is_key_id(&key.id) || !seen.insert(&key.id)) {
        Some(_) => Err("one of its access key ids is none, or stands there twice".into()),
        None => Ok(()),
    }
}

fn is_user(arn: &Arn) -> bool {
    arn.service == "iam" && arn.resource_type() == Some("user") && !arn.resource_name().is_empty()
}

/// IAM's own pattern, in capitals as all ids are: a secret, which is not, cannot be taken for one.
fn is_key_id(text: &str) -> bool {
    (16..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
