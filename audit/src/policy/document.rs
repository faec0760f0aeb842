//! Reading a policy document.
//!
//! Strict where a guess would be dangerous: an element, an effect, a principal or a condition operator that is not
//! known makes the document unreadable, and the caller says `unknown` where it would otherwise say `pass`. AWS itself
//! refuses such documents when they are stored, so what it returns is read in full.
//!
//! The grammar: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>. Names of elements
//! and `Allow`/`Deny` are case-sensitive; actions and names of condition keys are not
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html>).

use serde_json::{Map, Value};

use super::operator::{Condition, Operator};
use super::principal::{Principal, Principals};
use super::wildcard;

/// The longest text in a policy; an ARN has at most 2048 characters.
const LONGEST: usize = 4096;
/// AWS's largest policy is one of KMS, 32 KB. All texts together may have twice as many bytes.
const LARGEST: usize = 64 * 1024;

/// Why a policy can't be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The whole is not what a policy looks like.
    #[error("the policy {0}; look at it by hand")]
    Document(&'static str),
    /// One statement has something that is not understood.
    #[error("statement {index}{}: `{field}` {why}; look at the policy by hand", sid.as_ref().map(|sid| format!(" ({sid})")).unwrap_or_default())]
    Statement {
        /// Counted from 0.
        index: usize,
        /// Its `Sid`, if it has one.
        sid: Option<String>,
        /// The element, such as `Effect` or `Condition.StringEquals`.
        field: String,
        /// What is wrong with it.
        why: String,
    },
}

/// A policy, read and checked.
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) statements: Vec<Statement>,
    /// `${aws:...}` is a variable only in version 2012-10-17:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>.
    pub(super) variables: bool,
}

/// One statement.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) index: usize,
    pub(super) sid: Option<String>,
    pub(super) allow: bool,
    pub(super) principals: Principals,
    pub(super) actions: Scope,
    pub(super) resources: Scope,
    pub(super) conditions: Vec<Condition>,
}

/// What `Action` or `Resource` names, or what `NotAction` or `NotResource` leaves.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// As written.
    pub(super) written: Vec<String>,
    /// In lower case for actions.
    patterns: Vec<String>,
    /// `NotAction`, `NotResource`.
    pub(super) but: bool,
}

impl Scope {
    /// Whether the statement surely applies to all that `pattern` stands for.
    pub(super) fn covers(&self, pattern: &str) -> bool {
        if self.but {
            // A variable may become any text, so it may be the text that is left out.
            !self.patterns.iter().any(|but| wildcard::overlaps(&without_variables(but), pattern))
        } else {
            // A variable taken for text covers no more than that text.
            self.patterns.iter().any(|wide| wildcard::covers(wide, pattern))
        }
    }

    /// Cuts the statement down to what exists in `universe`, in patterns. Empty where it applies to nothing there.
    pub(super) fn within(&self, universe: &[String]) -> Vec<String> {
        let mut found = Vec::new();
        if self.but {
            let left = universe.iter().filter(|all| !self.patterns.iter().any(|but| wildcard::covers(but, all)));
            found.extend(left.cloned());
        } else {
            for pattern in self.patterns.iter().map(|pattern| without_variables(pattern)) {
                for all in universe {
                    if wildcard::covers(&pattern, all) {
                        found.push(all.clone());
                    } else if wildcard::overlaps(&pattern, all) {
                        found.push(pattern.clone());
                    }
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

/// A policy variable can become any text.
fn without_variables(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(start) = rest.find("${") {
        out.push_str(&rest[..start]);
        out.push('*');
        rest = rest[start..].split_once('}').map_or("", |(_, after)| after);
    }
    out + rest
}

impl Document {
    /// Reads a policy as AWS returns it.
    ///
    /// # Errors
    /// Names the statement and the element that it does not understand.
    pub fn parse(policy: &Value) -> Result<Self, PolicyError> {
        let policy = policy.as_object().ok_or(PolicyError::Document("is not a JSON object"))?;
        let variables = match policy.get("Version") {
            None => false,
            Some(Value::String(version)) if version == "2008-10-17" => false,
            Some(Value::String(version)) if version == "2012-10-17" => true,
            Some(_) => return Err(PolicyError::Document("has a `Version` other than 2012-10-17 and 2008-10-17")),
        };
        let statements = match policy.get("Statement") {
            Some(Value::Array(list)) => list.iter().collect(),
            Some(one @ Value::Object(_)) => vec![one],
            _ => return Err(PolicyError::Document("has no `Statement`")),
        };
        let mut budget = LARGEST;
        let statements = statements.into_iter().enumerate();
        let statements = statements.map(|(index, value)| Statement::parse(index, value, &mut budget));
        Ok(Self { statements: statements.collect::<Result<_, _>>()?, variables })
    }

    /// How many statements it has.
    pub fn len(&self) -> usize {
        self.statements.len()
    }

    /// Whether it has no statement.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }
}

/// Where in the document we are, for errors, and how much text may still come.
pub(super) struct Place<'a> {
    index: usize,
    sid: Option<String>,
    budget: &'a mut usize,
}

impl Place<'_> {
    pub(super) fn error(&self, field: &str, why: impl Into<String>) -> PolicyError {
        PolicyError::Statement { index: self.index, sid: self.sid.clone(), field: shown(field), why: why.into() }
    }

    /// A string or a list of strings; numbers and booleans may stand without quotes.
    pub(super) fn strings(&mut self, field: &str, value: &Value) -> Result<Vec<String>, PolicyError> {
        let list = match value {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        if list.is_empty() {
            return Err(self.error(field, "is an empty list"));
        }
        list.iter().map(|value| self.string(field, value)).collect()
    }

    fn string(&mut self, field: &str, value: &Value) -> Result<String, PolicyError> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            _ => return Err(self.error(field, "holds something other than strings")),
        };
        self.spend(field, &text)?;
        Ok(text)
    }

    pub(super) fn spend(&mut self, field: &str, text: &str) -> Result<(), PolicyError> {
        if text.len() > LONGEST {
            return Err(self.error(field, "holds a text longer than AWS has any"));
        }
        // Two for the quotes and the comma: many empty texts are not free either.
        *self.budget = self
            .budget
            .checked_sub(text.len() + 2)
            .ok_or(PolicyError::Document("is several times larger than AWS allows"))?;
        Ok(())
    }
}

impl Statement {
    fn parse(index: usize, value: &Value, budget: &mut usize) -> Result<Self, PolicyError> {
        let mut place = Place { index, sid: None, budget };
        let map = value.as_object().ok_or_else(|| place.error("Statement", "is not an object"))?;
        place.sid = map.get("Sid").and_then(Value::as_str).map(shown);
        let known = [
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        if let Some(field) = map.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(place.error(field, "is not an element of a policy"));
        }
        let allow = match map.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err(place.error("Effect", "is neither `Allow` nor `Deny`")),
        };
        let principals = match one_of(&place, map, "Principal", "NotPrincipal")? {
            Some((value, false)) => Principals::Only(Principal::parse_all(&mut place, "Principal", value)?),
            Some((value, true)) => Principals::AllBut(Principal::parse_all(&mut place, "NotPrincipal", value)?),
            None => return Err(place.error("Principal", "is missing: this is no policy of a resource")),
        };
        let Some((value, but)) = one_of(&place, map, "Action", "NotAction")? else {
            return Err(place.error("Action", "is missing"));
        };
        let written = place.strings(if but { "NotAction" } else { "Action" }, value)?;
        let actions = Scope { patterns: written.iter().map(|action| action.to_lowercase()).collect(), written, but };
        // A role's trust policy has no Resource: it is about that role.
        let resources = match one_of(&place, map, "Resource", "NotResource")? {
            Some((value, but)) => {
                let written = place.strings(if but { "NotResource" } else { "Resource" }, value)?;
                Scope { patterns: written.clone(), written, but }
            }
            None => Scope { patterns: vec!["*".to_owned()], written: vec!["*".to_owned()], but: false },
        };
        let conditions = match map.get("Condition") {
            None => Vec::new(),
            Some(Value::Object(block)) => conditions(&mut place, block)?,
            Some(_) => return Err(place.error("Condition", "is not an object")),
        };
        Ok(Self { index, sid: place.sid, allow, principals, actions, resources, conditions })
    }

    /// Whether `Principal` is `*` or `{"AWS": "*"}`, which are the same for anonymous callers:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-anonymous>.
    pub(super) fn is_for_everyone(&self) -> bool {
        matches!(&self.principals, Principals::Only(list) if list.iter().any(Principal::is_everyone))
    }
}

/// The one of two elements that exclude each other which is there, and whether it is the second.
fn one_of<'a>(
    place: &Place<'_>,
    map: &'a Map<String, Value>,
    name: &str,
    negated: &str,
) -> Result<Option<(&'a Value, bool)>, PolicyError> {
    match (map.get(name), map.get(negated)) {
        (Some(_), Some(_)) => Err(place.error(negated, format!("stands beside `{name}`"))),
        (Some(value), None) => Ok(Some((value, false))),
        (None, Some(value)) => Ok(Some((value, true))),
        (None, None) => Ok(None),
    }
}

fn conditions(place: &mut Place<'_>, block: &Map<String, Value>) -> Result<Vec<Condition>, PolicyError> {
    let mut found = Vec::new();
    for (name, keys) in block {
        let field = format!("Condition.{name}");
        let operator = Operator::parse(name).ok_or_else(|| place.error(&field, "is not a known condition operator"))?;
        let keys = keys.as_object().ok_or_else(|| place.error(&field, "is not an object"))?;
        for (key, values) in keys {
            let field = format!("{field}.{key}");
            place.spend(&field, key)?;
            let values = place.strings(&field, values)?;
            operator.check(&values).map_err(|why| place.error(&field, why))?;
            found.push(Condition { written: name.clone(), operator, key: key.to_lowercase(), values });
        }
    }
    Ok(found)
}

/// Texts from outside, cut to what an error message can hold.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}
