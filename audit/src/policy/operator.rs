//! Condition operators, brought into one form.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use std::net::IpAddr;

use ipnet::IpNet;

/// One key of a statement's `Condition`, with the operator that it stands under.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    /// The operator as written.
    pub(super) written: String,
    pub(super) operator: Operator,
    /// In lower case: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html>.
    pub(super) key: String,
    /// At least one; any one of them is enough.
    pub(super) values: Vec<String>,
}

/// An operator without its spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) quantifier: Quantifier,
    pub(super) comparison: Comparison,
    pub(super) negated: bool,
    if_exists: bool,
}

/// `ForAnyValue:` and `ForAllValues:`, see
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    Single,
    Any,
    All,
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// `StringEquals`: wildcards are characters.
    Exact,
    /// `StringEqualsIgnoreCase`.
    IgnoreCase,
    /// `StringLike`: wildcards cross colons.
    Like,
    /// `ArnEquals` and `ArnLike`, which behave alike: wildcards stay within a component of the ARN.
    Arn,
    /// `IpAddress`.
    Ip,
    /// `Bool`.
    Bool,
    /// `Null`: whether the key is absent.
    Null,
    /// Numbers, dates and bytes: none of them says who calls.
    Other(&'static str),
}

impl Operator {
    /// Reads an operator with its prefix and suffix; `None` where AWS has no such operator.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (quantifier, name) = match name.split_once(':') {
            Some(("foranyvalue", rest)) => (Quantifier::Any, rest),
            Some(("forallvalues", rest)) => (Quantifier::All, rest),
            Some(_) => return None,
            None => (Quantifier::Single, name.as_str()),
        };
        let (name, if_exists) = name.strip_suffix("ifexists").map_or((name, false), |name| (name, true));
        let (comparison, negated) = match name {
            "stringequals" => (Comparison::Exact, false),
            "stringnotequals" => (Comparison::Exact, true),
            "stringequalsignorecase" => (Comparison::IgnoreCase, false),
            "stringnotequalsignorecase" => (Comparison::IgnoreCase, true),
            "stringlike" => (Comparison::Like, false),
            "stringnotlike" => (Comparison::Like, true),
            "arnequals" | "arnlike" => (Comparison::Arn, false),
            "arnnotequals" | "arnnotlike" => (Comparison::Arn, true),
            "ipaddress" => (Comparison::Ip, false),
            "notipaddress" => (Comparison::Ip, true),
            "bool" => (Comparison::Bool, false),
            "null" if !if_exists => (Comparison::Null, false),
            "binaryequals" => (Comparison::Other("binary"), false),
            "numericequals" => (Comparison::Other("number"), false),
            "numericnotequals" => (Comparison::Other("number"), true),
            "numericlessthan" => (Comparison::Other("number<"), false),
            "numericlessthanequals" => (Comparison::Other("number<="), false),
            "numericgreaterthan" => (Comparison::Other("number>"), false),
            "numericgreaterthanequals" => (Comparison::Other("number>="), false),
            "dateequals" => (Comparison::Other("date"), false),
            "datenotequals" => (Comparison::Other("date"), true),
            "datelessthan" => (Comparison::Other("date<"), false),
            "datelessthanequals" => (Comparison::Other("date<="), false),
            "dategreaterthan" => (Comparison::Other("date>"), false),
            "dategreaterthanequals" => (Comparison::Other("date>="), false),
            _ => return None,
        };
        Some(Self { quantifier, comparison, negated, if_exists })
    }

    /// Whether values are compared as texts.
    pub(super) fn compares_text(self) -> bool {
        matches!(self.comparison, Comparison::Exact | Comparison::IgnoreCase | Comparison::Like | Comparison::Arn)
    }

    /// Values that the operator can't compare with make the condition unreadable.
    pub(super) fn check(self, values: &[String]) -> Result<(), &'static str> {
        match self.comparison {
            Comparison::Ip if values.iter().any(|value| network(value).is_none()) => Err("is not an address range"),
            Comparison::Bool | Comparison::Null if values.iter().any(|value| !is_boolean(value)) => {
                Err("is neither `true` nor `false`")
            }
            _ => Ok(()),
        }
    }
}

/// A variable may stand for a boolean.
fn is_boolean(value: &str) -> bool {
    value.contains("${") || value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
}

/// An address without a prefix is that one address.
pub(super) fn network(value: &str) -> Option<IpNet> {
    value.parse::<IpNet>().ok().or_else(|| value.parse::<IpAddr>().ok().map(IpNet::from)).map(|net| net.trunc())
}

impl Condition {
    /// Whether the condition holds for a request that lacks the key: negated operators do, `IfExists` and
    /// `ForAllValues` do, `ForAnyValue` does not.
    fn absent(&self) -> bool {
        match (self.operator.comparison, self.operator.quantifier) {
            (Comparison::Null, _) => self.has("true"),
            _ if self.operator.if_exists => true,
            (_, Quantifier::All) => true,
            (_, Quantifier::Any) => false,
            (_, Quantifier::Single) => self.operator.negated,
        }
    }

    /// Whether one of the values is this word, in any case.
    pub(super) fn has(&self, word: &str) -> bool {
        self.values.iter().any(|value| value.eq_ignore_ascii_case(word))
    }

    /// Whether this condition cannot hold without `other` holding too. `false` where that is not plain to see.
    pub(super) fn implies(&self, other: &Self) -> bool {
        let alike = self.key == other.key
            && self.operator.comparison == other.operator.comparison
            && self.operator.quantifier == other.operator.quantifier
            && self.operator.negated == other.operator.negated;
        let within = |few: &[String], many: &[String]| few.iter().all(|value| many.contains(value));
        alike
            && (!self.absent() || other.absent())
            && if self.operator.negated {
                within(&other.values, &self.values)
            } else {
                within(&self.values, &other.values)
            }
    }
}

/// What a request has to meet: a condition of an Allow, or the opposite of a condition of a Deny.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constraint<'a> {
    pub(super) condition: &'a Condition,
    /// The statement that the condition stands in.
    pub(super) statement: usize,
    /// The request has to fail the condition, for the Deny not to apply.
    pub(super) opposite: bool,
}

impl Constraint<'_> {
    /// Whether a request without the key meets it.
    pub(super) fn absent(&self) -> bool {
        self.condition.absent() != self.opposite
    }

    /// Whether it can only be met by a value that the condition names.
    pub(super) fn is_positive(&self) -> bool {
        self.condition.operator.negated == self.opposite
    }

    /// Whether the key has to be in the request.
    pub(super) fn requires_key(&self) -> bool {
        // What AWS does with a negated ForAnyValue and no key is not documented: nothing is built on it.
        let unclear = self.condition.operator.quantifier == Quantifier::Any && self.condition.operator.negated;
        !self.absent() && !unclear
    }
}
