//! Callers who are allowed for: `[[honeytoken.allow]]`. What they do is counted, and alerts nobody.

use std::net::IpAddr;

use common::cli::Failure;
use common::record::Token;
use common::settings::{Allowed, Patterns};
use ipnet::IpNet;
use jiff::Timestamp;

use super::call::Call;
use super::trigger::Trigger;

/// The list.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowList(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    allowed: Allowed,
    networks: Vec<IpNet>,
}

impl AllowList {
    /// The settings' list.
    ///
    /// # Errors
    ///
    /// A network that is none, or an entry without any condition: it would silence everything.
    pub(crate) fn new(list: &[Allowed]) -> Result<Self, Failure> {
        let rules = list.iter().enumerate().map(|(index, allowed)| {
            let entry = format!("[[honeytoken.allow]] {} (`{}`)", index + 1, allowed.reason);
            let Allowed { cidr, user_agent, operation, region, principal, trigger, token, .. } = allowed;
            let patterns = [user_agent, operation, region, principal, trigger, token];
            if cidr.is_empty() && patterns.iter().all(|patterns| patterns.is_none()) {
                return Err(Failure::Start(format!(
                    "{entry} has no condition, and would silence every token: name an address, a principal, or a token"
                )));
            }
            let networks = cidr.iter().map(|text| {
                network(text).ok_or_else(|| {
                    Failure::Start(format!("{entry}: `{text}` is no network such as 203.0.113.0/24, and no address"))
                })
            });
            Ok(Rule { allowed: allowed.clone(), networks: networks.collect::<Result<_, _>>()? })
        });
        Ok(Self(rules.collect::<Result<_, _>>()?))
    }

    /// Whether somebody is allowed to do that to a token. `call` is what was done, where that is known; `at` is when.
    pub(crate) fn allows(&self, token: &Token, trigger: Trigger, call: Option<&Call>, at: Timestamp) -> bool {
        self.0.iter().any(|rule| rule.allows(token, trigger, call, at))
    }
}

/// A network, or a single address.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

impl Rule {
    /// Whether all conditions that are given hold. One on something that is not known does not.
    fn allows(&self, token: &Token, trigger: Trigger, call: Option<&Call>, at: Timestamp) -> bool {
        let Allowed { user_agent, operation, region, principal, trigger: triggers, token: tokens, until, .. } =
            &self.allowed;
        let event = call.map(|call| &call.event);
        // A look that succeeds is what inventories are for, and nothing happens by it: whoever is named may.
        let is_look = trigger == Trigger::Looked && principal.is_some();
        let happened = event.is_some_and(|event| event.allowed) && !is_look;
        if happened && !self.allowed.also_allowed_calls {
            return false;
        }
        let matches = |patterns: &Option<Patterns>, text: Option<&str>| {
            patterns.as_ref().is_none_or(|patterns| text.is_some_and(|text| patterns.matches(text)))
        };
        let in_networks = || {
            let address = call.and_then(|call| call.address);
            address.is_some_and(|address| self.networks.iter().any(|network| network.contains(&address)))
        };
        until.is_none_or(|until| at < until)
            && (self.networks.is_empty() || in_networks())
            && matches(user_agent, event.map(|event| event.user_agent.as_str()))
            && matches(operation, event.map(|event| event.operation.as_str()))
            && matches(region, event.and_then(|event| event.region.as_deref()))
            && matches(principal, call.map(|call| call.caller.as_str()))
            && matches(triggers, Some(trigger.name()))
            && tokens.as_ref().is_none_or(|tokens| tokens.matches(&token.token) || tokens.matches(&token.id))
    }
}

#[cfg(test)]
mod tests {
    use common::event::Record;
    use serde_json::{Value, json};

    use super::*;
    use crate::registry::tests::token;

    fn list(entries: &str) -> Result<AllowList, Failure> {
        let settings: common::settings::Settings = toml(entries);
        AllowList::new(&settings.honeytoken.allow)
    }

    fn toml(text: &str) -> common::settings::Settings {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sluice.toml");
        std::fs::write(&path, text).unwrap();
        common::settings::Settings::load(Some(&path)).unwrap()
    }

    fn allows(entry: &str, changed: &Value) -> bool {
        let mut record = json!({
            "userIdentity": {"arn": "arn:aws:iam::111122223333:user/team/svc"}, "eventTime": "2026-11-20T10:00:00Z",
            "eventSource": "s3.amazonaws.com", "eventName": "HeadBucket", "awsRegion": "eu-west-1",
            "sourceIPAddress": "203.0.113.9", "userAgent": "backup/1.0", "errorCode": "AccessDenied", "eventID": "e",
        });
        for (name, value) in changed.as_object().unwrap() {
            record[name] = value.clone();
        }
        let text = record.to_string();
        let at = "2026-11-20T10:00:00Z".parse().unwrap();
        let call = Call::new(&Record::parse(&text).unwrap(), &text, at);
        list(&format!("[[honeytoken.allow]]\n{entry}")).unwrap().allows(
            &token("t1", "svc"),
            Trigger::Used,
            Some(&call),
            at,
        )
    }

    #[test]
    fn all_conditions_have_to_hold() {
        for (entry, changed, expected) in [
            ("cidr = [\"203.0.113.0/24\"]", json!({}), true),
            ("cidr = [\"203.0.113.9\"]", json!({}), true),
            ("cidr = [\"203.0.112.0/24\", \"2001:db8::/32\"]", json!({}), false),
            ("cidr = [\"2001:db8::/32\"]", json!({"sourceIPAddress": "2001:db8::9"}), true),
            ("cidr = [\"0.0.0.0/0\"]", json!({"vpcEndpointId": "vpce-1"}), false),
            ("cidr = [\"10.0.0.0/8\"]", json!({"sourceIPAddress": "10.1.1.1"}), false),
            ("cidr = [\"0.0.0.0/0\"]", json!({"sourceIPAddress": "AWS Internal"}), false),
            ("user_agent = \"backup/*\"", json!({}), true),
            ("user_agent = \"backup/*\"", json!({"userAgent": null}), false),
            ("operation = [\"ec2:*\", \"s3:Head*\"]", json!({}), true),
            ("operation = \"s3:Get*\"", json!({}), false),
            ("region = \"eu-*\"", json!({}), true),
            ("principal = \"arn:aws:iam::111122223333:user/*\"", json!({}), true),
            ("trigger = \"touched\"", json!({}), false),
            ("token = \"t1\"", json!({}), true),
            ("token = \"svc\"", json!({}), true),
            ("token = \"t2\"", json!({}), false),
            ("token = \"t1\"\nuntil = \"2026-11-20T10:00:01Z\"", json!({}), true),
            ("token = \"t1\"\nuntil = \"2026-11-20T10:00:00Z\"", json!({}), false),
            ("token = \"t1\"", json!({"errorCode": null}), false),
            ("token = \"t1\"\nalso_allowed_calls = true", json!({"errorCode": null}), true),
            ("token = \"t1\"\nregion = \"us-*\"", json!({}), false),
        ] {
            assert_eq!(allows(entry, &changed), expected, "{entry} {changed}");
        }
    }

    #[test]
    fn an_inventory_may_look_and_what_it_changes_is_told() {
        let text = json!({
            "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/inventory/x",
                "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/inventory"}}},
            "eventSource": "iam.amazonaws.com", "eventName": "GetUser",
        });
        let (text, at) = (text.to_string(), "2026-11-20T10:00:00Z".parse().unwrap());
        let call = Call::new(&Record::parse(&text).unwrap(), &text, at);
        let entry =
            "[[honeytoken.allow]]\nprincipal = \"arn:aws:iam::111122223333:role/inventory\"\ntrigger = \"touched\"";
        let allowed = list(entry).unwrap();
        let token = token("t1", "svc");
        for (trigger, expected) in [(Trigger::Looked, true), (Trigger::Touched, false), (Trigger::Used, false)] {
            assert_eq!(allowed.allows(&token, trigger, Some(&call), at), expected, "{trigger:?}");
        }
        // An address names nobody.
        let anybody = list("[[honeytoken.allow]]\ntrigger = \"touched\"").unwrap();
        assert!(!anybody.allows(&token, Trigger::Looked, Some(&call), at));
    }

    #[test]
    fn what_would_silence_everything_is_refused() {
        for (entry, says) in [
            ("[[honeytoken.allow]]\nreason = \"all\"", "has no condition"),
            ("[[honeytoken.allow]]\nuntil = \"2027-01-01T00:00:00Z\"\nalso_allowed_calls = true", "has no condition"),
            ("[[honeytoken.allow]]\ncidr = [\"203.0.113.0/33\"]", "`203.0.113.0/33` is no network"),
        ] {
            assert!(list(entry).unwrap_err().to_string().contains(says), "{entry}");
        }
    }
}
