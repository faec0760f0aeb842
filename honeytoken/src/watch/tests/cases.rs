//! Each way in which a token is touched, and what only looks like one.

use super::*;

/// What is said to a call with the token's key so changed.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "a table of calls is easier to read so")]
fn says(record: Value, expected: &[&str]) {
    assert_eq!(said(&record), expected, "{record:#}");
}

const USED: &[&str] = &["t1 used critical"];
const SESSION_USED: &[&str] = &["t1 used_via_session critical"];
const LOOKED: &[&str] = &["t1 touched medium"];
const TOUCHED: &[&str] = &["t1 touched high"];

#[test]
fn its_own_calls_are_uses_by_whatever_they_are_known() {
    let nobody = json!({"principalId": "", "arn": "", "accountId": "", "accessKeyId": "", "userName": ""});
    let only = |identity: Value| {
        let mut record = call(json!({"userIdentity": nobody}));
        merge(&mut record, json!({ "userIdentity": identity }));
        record
    };
    says(call(json!({})), USED);
    says(call(json!({"errorCode": "AccessDenied"})), USED);
    says(only(json!({"accessKeyId": KEY})), USED);
    says(only(json!({"accessKeyId": "AKIARZPUZDIKCI2FM6OLD"})), USED);
    says(only(json!({"principalId": PRINCIPAL, "accountId": "111122223333"})), USED);
    says(only(json!({"principalId": PRINCIPAL})), USED);
    says(only(json!({"arn": ARN})), USED);
    says(only(json!({"userName": "SVC-Billing", "accountId": "111122223333"})), USED);
    says(only(json!({"userName": "svc-billing"})), USED);
    // A key that somebody made for the decoy's user.
    says(call(json!({"userIdentity": {"accessKeyId": "AKIAELSEELSEELSEELSE"}})), USED);
    says(call(json!({"userIdentity": {"accessKeyId": null}})), USED);
    // Of another account's, or somebody else of that name.
    says(only(json!({"principalId": PRINCIPAL, "accountId": "444455556666"})), &[]);
    says(only(json!({"userName": "svc-billing", "accountId": "444455556666"})), &[]);
    says(only(json!({"userName": "svc-billing", "accountId": "111122223333", "principalId": "AIDAELSE"})), &[]);
    says(only(json!({"userName": "svc-billing", "accountId": "111122223333", "type": "AssumedRole"})), &[]);
    says(only(json!({"accessKeyId": "AKIARZPUZDIKCI2FM6EX"})), &[]);
    says(only(json!({})), &[]);
    // In the record of the account whose bucket it was.
    let elsewhere = json!({"userIdentity": {"type": "AWSAccount", "arn": null, "userName": null, "accessKeyId": ""},
        "recipientAccountId": "444455556666", "eventSource": "s3.amazonaws.com", "eventName": "GetObject"});
    says(call(elsewhere), USED);
    let wording =
        format!("User: {ARN} is not authorized to perform: s3:GetObject because no resource-based policy allows it");
    says(call(json!({"userIdentity": nobody, "errorCode": "AccessDenied", "errorMessage": wording})), USED);
}

#[test]
fn odd_shapes_cost_nothing() {
    for (name, value) in [
        ("eventTime", json!("yesterday")),
        ("eventTime", json!(null)),
        ("eventVersion", json!(1.1)),
        ("userAgent", json!(null)),
        ("userAgent", json!("[aws-cli/1.0]")),
        ("userAgent", json!(["x"])),
        ("sourceIPAddress", json!("AWS Internal")),
        ("sourceIPAddress", json!("2001:db8::1")),
        ("sourceIPAddress", json!("300.1.1.1")),
        ("sourceIPAddress", json!("s3.amazonaws.com")),
        ("awsRegion", json!("nowhere at all")),
        ("requestParameters", json!("a text")),
        ("requestParameters", json!([1])),
        ("responseElements", json!("a text")),
        ("eventID", json!(null)),
        ("eventID", json!(7)),
        ("eventName", json!({})),
        ("recipientAccountId", json!(7)),
    ] {
        says(call(json!({ name: value })), USED);
    }
    says(json!({"eventVersion": "1.08", "userIdentity": {"accessKeyId": KEY}, "eventID": "x"}), USED);
}

#[test]
fn sessions_lead_back_to_the_token() {
    says(call(json!({"userIdentity": {"accessKeyId": SESSION}})), SESSION_USED);
    let federated = json!({"userIdentity": {"type": "FederatedUser", "principalId": "111122223333:bob",
        "arn": "arn:aws:sts::111122223333:federated-user/bob", "accessKeyId": SESSION, "userName": null}});
    for issuer in [
        json!({"type": "IAMUser", "principalId": PRINCIPAL, "accountId": "111122223333"}),
        json!({"type": "IAMUser", "arn": ARN, "accountId": "111122223333"}),
        json!({"type": "IAMUser", "userName": "svc-billing", "accountId": "111122223333"}),
        json!({"type": "IAMUser", "userName": "svc-billing"}),
    ] {
        let mut record = call(federated.clone());
        merge(&mut record, json!({"userIdentity": {"sessionContext": {"sessionIssuer": issuer}}}));
        says(record, SESSION_USED);
    }
    // A federated user, or a role, of the decoy's name is somebody else.
    let mut record = call(federated);
    merge(&mut record, json!({"userIdentity": {"userName": "svc-billing"}}));
    says(record.clone(), &[]);
    let role = json!({"sessionContext": {"sessionIssuer": {"type": "Role", "userName": "svc-billing"}}});
    merge(&mut record, json!({ "userIdentity": role }));
    says(record, &[]);
}

#[test]
fn keys_that_were_got_with_its_key_are_followed() {
    let registry = registry();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let derived = |event: &str, by: Value, key: &str| {
        let given = json!({"credentials": {"accessKeyId": key, "expiration": "Nov 20, 2026 10:00:00 PM"}});
        let mut record = call(json!({"eventID": event, "eventName": "AssumeRole", "responseElements": given}));
        merge(&mut record, json!({ "userIdentity": by }));
        record.to_string()
    };
    let by = |key: &str| {
        json!({"type": "AssumedRole", "principalId": "AROAX:y", "arn": "arn:aws:sts::111122223333:assumed-role/r/y",
            "accessKeyId": key, "userName": null})
    };
    let chained = |key: &str, event: &str| call(json!({"eventID": event, "userIdentity": by(key)})).to_string();
    assert_eq!(take(&mut engine, &chained("ASIAAAAAAAAAAAAAAAA2", "e0"), now()), []);
    let first = take(&mut engine, &derived("e1", json!({}), "ASIAAAAAAAAAAAAAAAA1"), now());
    assert_eq!(first[0].trigger, "used");
    let second = take(&mut engine, &derived("e2", by("ASIAAAAAAAAAAAAAAAA1"), "ASIAAAAAAAAAAAAAAAA2"), now());
    assert_eq!(second[0].trigger, "used_via_session");
    // Also after a restart.
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let third = take(&mut engine, &chained("ASIAAAAAAAAAAAAAAAA2", "e3").replace("aws-cli", "Boto3"), now());
    assert_eq!(third[0].token.id, "t1");
    // What was read before it was known whose it is, is told with what tells that: once, and by the first alert, too.
    let (key, told) = ("ASIAAAAAAAAAAAAAAAA4", "to get credentials that are in use already");
    assert!(second[0].title.contains(told) && !first[0].title.contains(told), "{}", second[0].title);
    let registry = super::registry();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    assert_eq!(take(&mut engine, &chained(key, "e5"), now()), []);
    let title = take(&mut engine, &derived("e6", json!({}), key), now()).pop().unwrap().title;
    assert!(title.contains(&format!(" was used {told}: sts:AssumeRole")), "{title}");
    let title = take(&mut engine, &derived("e7", json!({}), "ASIAAAAAAAAAAAAAAAA5"), now()).pop();
    assert_eq!(title, None);
    // One that it did not get.
    assert_eq!(take(&mut engine, &chained("ASIAAAAAAAAAAAAAAAA3", "e4"), now()), []);
}

#[test]
fn a_key_that_it_made_for_somebody_else_is_followed() {
    let registry = registry();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let (key, other) = ("AKIAADMINADMINADMIN1", "AKIAADMINADMINADMIN2");
    let created = |event: &str, key: &str, changed: Value| {
        let answer = json!({"accessKey": {"userName": "admin", "accessKeyId": key, "status": "Active"}});
        let mut record =
            call(json!({"eventID": event, "eventSource": "iam.amazonaws.com", "eventName": "CreateAccessKey",
            "requestParameters": {"userName": "admin"}, "responseElements": answer}));
        merge(&mut record, changed);
        record.to_string()
    };
    let by = |event: &str, key: &str| {
        call(json!({"eventID": event, "userIdentity": {"principalId": "AIDAADMIN", "userName": "admin", "accessKeyId": key,
            "arn": "arn:aws:iam::111122223333:user/admin"}}))
        .to_string()
    };
    let denied = json!({"errorCode": "AccessDenied", "responseElements": null});
    assert_eq!(take(&mut engine, &created("e1", key, denied), now())[0].severity, Severity::Critical);
    let alert = take(&mut engine, &created("e2", key, json!({})), now()).pop().unwrap();
    assert_eq!((alert.severity, alert.trigger.as_str()), (Severity::Critical, "used"));
    assert!(alert.title.contains("to get other credentials"), "{}", alert.title);
    let alert = take(&mut engine, &by("e3", key), now()).pop().unwrap();
    assert_eq!((alert.severity, alert.trigger.as_str()), (Severity::Critical, "used_via_session"));
    assert_eq!(alert.action, None, "the token's own key would stop nobody");
    assert_eq!(take(&mut engine, &by("e4", other), now()), [], "one that an administrator made");
}

#[test]
fn signing_in_is_noticed() {
    let login = |changed: Value| {
        let mut record = call(json!({"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin",
            "eventType": "AwsConsoleSignIn", "responseElements": {"ConsoleLogin": "Failure"},
            "errorMessage": "Failed authentication", "userIdentity": {"accessKeyId": ""}}));
        merge(&mut record, changed);
        record
    };
    let expected: &[&str] = &["t1 console_login critical"];
    says(login(json!({})), expected);
    says(login(json!({"responseElements": {"ConsoleLogin": "Success"}})), expected);
    let hidden = json!({"userIdentity": {"userName": "HIDDEN_DUE_TO_SECURITY_REASONS", "arn": null}});
    says(login(hidden.clone()), expected);
    let mut record = login(hidden);
    merge(&mut record, json!({"userIdentity": {"principalId": null}}));
    says(record, &[]);
}

#[test]
fn what_others_do_about_it_is_a_touch() {
    says(by_admin(json!({"requestParameters": {"userName": "svc-billing"}})), LOOKED);
    says(by_admin(json!({"requestParameters": {"userName": "svc-billing"}, "eventName": "CreateAccessKey"})), TOUCHED);
    says(by_admin(json!({"requestParameters": {"userName": "Svc-Billing"}, "eventName": "DeleteUser"})), TOUCHED);
    says(by_admin(json!({"requestParameters": {"accessKeyId": KEY}, "eventName": "GetAccessKeyLastUsed"})), LOOKED);
    says(
        by_admin(
            json!({"requestParameters": {"accessKeyId": KEY, "status": "Inactive"}, "eventName": "UpdateAccessKey"}),
        ),
        TOUCHED,
    );
    let sts = json!({"requestParameters": {"accessKeyId": KEY}, "eventSource": "sts.amazonaws.com", "eventName": "GetAccessKeyInfo"});
    says(by_admin(sts), LOOKED);
    says(
        by_admin(json!({"requestParameters": {"policySourceArn": ARN}, "eventName": "SimulatePrincipalPolicy"})),
        LOOKED,
    );
    says(by_admin(json!({"resources": [{"ARN": ARN, "accountId": "111122223333"}]})), LOOKED);
    let principal = json!({"bucketPolicy": {"Statement": [{"Principal": {"AWS": [ARN]}}]}});
    let probe = json!({"eventSource": "s3.amazonaws.com", "eventName": "PutBucketPolicy", "requestParameters": principal,
        "recipientAccountId": "444455556666", "userIdentity": {"accountId": "444455556666"}});
    says(by_admin(probe), TOUCHED);
    let message = format!("User with ARN {ARN}.");
    says(by_admin(json!({"errorCode": "NoSuchEntity", "errorMessage": message})), LOOKED);
    // The token itself asks for itself: that is a use, once.
    says(call(json!({"requestParameters": {"userName": "svc-billing"}, "eventSource": "iam.amazonaws.com"})), USED);
    // One token asks for another, which was there at the time.
    says(
        call(json!({"requestParameters": {"userArn": OTHER_ARN}, "eventTime": "2026-08-20T00:00:00Z"})),
        &["t1 used critical", "t2 touched medium"],
    );
    // Somebody else's user, another service's `userName`, and a name that is only a part.
    says(by_admin(json!({"requestParameters": {"userName": "svc-billing2"}})), &[]);
    says(
        by_admin(json!({"requestParameters": {"userName": "svc-billing"}, "recipientAccountId": "444455556666"})),
        &[],
    );
    says(
        by_admin(json!({"requestParameters": {"userName": "svc-billing"}, "eventSource": "transfer.amazonaws.com"})),
        &[],
    );
    says(by_admin(json!({"requestParameters": {"a": format!("{KEY}X"), "b": format!("{ARN}2")}})), &[]);
    says(by_admin(json!({"requestParameters": {"userName": "svc-export"}})), &[]);
    // Services of AWS's look around all day, but change nothing.
    let service = json!({"type": "AWSService", "invokedBy": "config.amazonaws.com"});
    says(by_admin(json!({"requestParameters": {"userName": "svc-billing"}, "userIdentity": service})), &[]);
    says(
        by_admin(
            json!({"requestParameters": {"userName": "svc-billing"}, "userIdentity": service, "eventName": "DeleteUser"}),
        ),
        TOUCHED,
    );
}

#[test]
fn a_published_key_is_noticed() {
    let policy = "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3";
    let attach =
        json!({"eventName": "AttachUserPolicy", "requestParameters": {"userName": "svc-billing", "policyArn": policy}});
    says(by_admin(attach.clone()), &["t1 quarantined high"]);
    let mut record = by_admin(attach);
    merge(&mut record, json!({"requestParameters": {"policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}));
    says(record, TOUCHED);
    let health = |detail: Value| {
        json!({"version": "0", "id": "h1", "detail-type": "AWS Health Event", "source": "aws.health",
            "account": "111122223333", "time": "2026-11-20T10:00:00Z", "region": "us-east-1", "detail": detail})
    };
    let exposed: &[&str] = &["t1 exposed high"];
    let code = "AWS_RISK_CREDENTIALS_EXPOSED";
    for value in [KEY, ARN, "svc-billing"] {
        let entities = json!([{"entityValue": "other"}, {"entityValue": value}, {"entityValue": value}]);
        says(
            health(json!({"eventArn": "a", "service": "RISK", "eventTypeCode": code, "affectedEntities": entities})),
            exposed,
        );
    }
    // What the account that speaks for an organization hears of a member.
    let mut of_member = health(json!({"eventArn": "a", "eventTypeCode": code, "affectedAccount": "111122223333",
        "affectedEntities": [{"entityValue": "svc-billing"}]}));
    of_member["account"] = json!("999988887777");
    says(of_member.clone(), exposed);
    of_member["detail"]["affectedAccount"] = json!("444455556666");
    says(of_member, &[]);
    let text = format!("Your key {KEY}, belonging to {ARN}, is public.");
    let description = json!([{"language": "en_US", "latestDescription": text}]);
    says(health(json!({"eventArn": "a", "eventTypeCode": code, "eventDescription": description})), exposed);
    says(
        health(json!({"eventArn": "a", "eventTypeCode": code, "affectedEntities": [{"entityValue": "AKIAELSE"}]})),
        &[],
    );
    says(
        health(json!({"eventTypeCode": "AWS_EC2_OPERATIONAL_ISSUE", "affectedEntities": [{"entityValue": KEY}]})),
        &[],
    );
    says(health(json!({"eventTypeCode": code, "affectedEntities": "odd", "eventDescription": [7]})), &[]);
}

#[test]
fn a_token_that_was_deleted_still_tells_of_what_was_before() {
    let record =
        call(json!({"eventTime": "2026-08-20T00:00:00Z", "userIdentity": {"principalId": "AIDARZPUZDIKABCDEFGH2",
        "arn": OTHER_ARN, "userName": "svc-export", "accessKeyId": "AKIARZPUZDIKCI2FM7EQ"}}));
    says(record, &["t2 used critical"]);
}

#[test]
fn own_calls_are_no_alerts_and_nobody_can_pass_for_them() {
    let registry = registry();
    let own = "aws-sdk-rust/1.3.3 app/sluice-honeytoken os/linux";
    let asked = |event: &str, name: &str, agent: &str| {
        by_admin(json!({"requestParameters": {"userName": "svc-billing"}, "eventName": name, "eventID": event,
            "userAgent": agent, "eventTime": common::clock::now().to_string()}))
        .to_string()
    };
    let count =
        |text: &str| take(&mut Engine::new(&registry, &registry, plain()).unwrap(), text, common::clock::now()).len();
    assert_eq!(count(&asked("e1", "DeleteUserPolicy", own)), 1, "the user agent alone is no proof");
    // honeytoken is at work on that token.
    registry.begin("t1", crate::registry::Verb::Delete, crate::registry::Step::Remove, "").unwrap();
    assert_eq!(count(&asked("e2", "DeleteUser", own)), 0);
    assert_eq!(count(&asked("e3", "CreateLoginProfile", "aws-cli/2")), 1, "an administrator at the same time");
    let late = asked("e4", "UntagUser", own).replace(&common::clock::now().to_string()[..10], "2026-10-01");
    assert_eq!(count(&late), 1, "long before");
    // It calls as this role at any time.
    let account = "111122223333".parse().unwrap();
    registry.note_caller(&account, Some((common::resource::ResourceType::IamRole, "admin"))).unwrap();
    assert_eq!(count(&late.replace("e4", "e5")), 0);
    assert_eq!(count(&asked("e6", "TagUser", "aws-cli/2").replace("2026-11", "2026-10")), 1, "somebody in that role");
    // What the token itself does is a use, whatever it calls itself.
    let used = call(json!({"eventID": "e7", "userAgent": own})).to_string();
    assert_eq!(count(&used), 1);
}

#[test]
fn what_is_no_event_is_named_and_costs_only_itself() {
    let registry = registry();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let mut lines = vec![
        json!({"detail-type": "Object Created", "source": "aws.s3", "detail": {"bucket": {"name": "b"}, "object": {"key": "a.gz"}}}),
        json!({"some": "thing"}),
        json!({"kind": "finding"}),
    ];
    lines.push(call(json!({})));
    let text = lines.iter().map(|line| line.to_string() + "\n").collect::<String>()
        + "{broken\n"
        + &call(json!({"eventID": "e2"})).to_string();
    let mut errors = Vec::new();
    let mut seen = 0;
    for found in Events::new(text.as_bytes()) {
        match found {
            Ok(found) => match engine.take(&found, now()) {
                Ok(alerts) => seen += alerts.len(),
                Err(TakeError::NoEvent(why)) => errors.push(format!("{}: {why}", found.line)),
                Err(error) => panic!("{error}"),
            },
            Err(error) => errors.push(error.to_string()),
        }
    }
    assert_eq!(seen, 1);
    engine.settle(now()).unwrap();
    assert_eq!(registry.open_incidents().unwrap()[0].count, 2);
    assert_eq!(errors.len(), 4, "{errors:?}");
    assert!(errors[0].contains("s3://b/a.gz, which is not fetched"), "{errors:?}");
    assert!(errors[1].starts_with("2: no CloudTrail record"), "{errors:?}");
    assert!(errors[3].starts_with("line 5: "), "{errors:?}");
}

#[test]
fn an_alert_tells_all_that_there_is_to_tell() {
    let registry = registry();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let alert = take(&mut engine, &call(json!({})).to_string(), now()).pop().unwrap();
    assert_eq!(
        alert.title,
        "Decoy svc-billing (web, laptop-t1) was used: sts:GetCallerIdentity from 203.0.113.9 with aws-cli, allowed"
    );
    assert_eq!(alert.latency_seconds, Some(300));
    assert_eq!(serde_json::to_value(&alert.action).unwrap(), json!({"name": "iam_deactivate_key", "AccessKeyId": KEY}));
    let event = alert.event.as_ref().unwrap();
    assert_eq!((event.id.as_str(), event.operation.as_str()), ("e1", "sts:GetCallerIdentity"));
    assert_eq!((event.tool.as_deref(), event.access_key.as_deref()), (Some("aws-cli"), Some(KEY)));
    assert_eq!((alert.count, alert.drill, alert.status), (1, false, AlertStatus::Open));
    assert_eq!(alert.key.split('/').next(), Some(alert.incident.as_str()));
    // A key that is gone needs no action; a session ends with the only key that it can be of.
    for (key, stopped) in [("AKIARZPUZDIKCI2FM6OLD", Value::Null), (SESSION, json!(KEY))] {
        let registry = super::registry();
        let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
        let alert = take(&mut engine, &call(json!({"userIdentity": {"accessKeyId": key}})).to_string(), now());
        assert_eq!(json!(alert[0])["action"]["AccessKeyId"], stopped, "{key}");
    }
}

#[test]
fn texts_of_an_attacker_stay_in_one_short_sentence() {
    let evil = format!("\u{1b}]0;owned\u{7}\r\nSubject: x\u{202e}{}", "A".repeat(1 << 20));
    let record = call(
        json!({"userAgent": evil, "sourceIPAddress": evil, "eventName": evil, "errorCode": evil, "awsRegion": evil}),
    );
    let registry = registry();
    let alert =
        take(&mut Engine::new(&registry, &registry, plain()).unwrap(), &record.to_string(), now()).pop().unwrap();
    assert!(alert.title.chars().all(|character| !character.is_control() && character != '\u{202e}'), "{}", alert.title);
    assert!(alert.title.chars().count() < 600, "{}", alert.title.len());
    assert!(serde_json::to_string(&alert).unwrap().len() < 20_000);
    assert_eq!(alert.region.as_str(), "global");
    assert!(alert.key.len() < 100 && alert.incident.len() < 100);
}

#[test]
fn a_use_that_no_event_tells_of() {
    let registry = registry();
    let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
    let used = common::record::LastUsed {
        at: time("2026-11-20T09:00:00Z"),
        service: "sqs".into(),
        region: "eu-west-1".into(),
    };
    let used = Use { token: "t1".into(), key: KEY.into(), used };
    let alert = engine.take_use(&used, now()).unwrap().unwrap();
    assert_eq!((alert.trigger.as_str(), alert.severity, &alert.event), ("used_unlogged", Severity::Critical, &None));
    assert!(
        alert.title.contains("CloudTrail has no event of it: key AKIARZPUZDIKCI2FM6EQ, for sqs in eu-west-1"),
        "{}",
        alert.title
    );
    assert_eq!(alert.region.as_str(), "eu-west-1");
    assert_eq!(engine.take_use(&used, now()).unwrap(), None, "told twice");
    engine.settle(now()).unwrap();
    assert_eq!(engine.take_use(&used, now()).unwrap(), None, "told twice");
}

#[test]
fn allowed_callers_are_counted_unless_they_succeed() {
    let registry = registry();
    let rules = rules("[[honeytoken.allow]]\nreason = \"scanner\"\ncidr = [\"203.0.113.0/24\"]");
    let mut engine = Engine::new(&registry, &registry, rules).unwrap();
    let denied = |event: &str| call(json!({"eventID": event, "errorCode": "AccessDenied"})).to_string();
    assert_eq!(take(&mut engine, &denied("e1"), now()), []);
    let fired = registry.token("t1").unwrap().unwrap().fired.unwrap();
    assert_eq!((fired.events, fired.suppressed), (1, 1));
    assert_eq!(registry.open_incidents().unwrap(), []);
    let alert = take(&mut engine, &call(json!({"eventID": "e2"})).to_string(), now()).pop().unwrap();
    assert_eq!((alert.count, alert.suppressed), (1, 0));
    assert_eq!(take(&mut engine, &denied("e3"), now()), []);
    let closed = engine.tick(now() + SignedDuration::from_hours(1)).unwrap().pop().unwrap();
    assert_eq!((closed.count, closed.suppressed), (1, 1));
    assert!(closed.title.ends_with("after 1 call, and 1 of callers who are allowed for"), "{}", closed.title);
}

#[test]
fn an_event_that_borrows_anothers_id_does_not_make_it_unheard() {
    let registry = registry();
    let rules = rules("[[honeytoken.allow]]\nreason = \"scanner\"\ncidr = [\"203.0.113.0/24\"]");
    let mut engine = Engine::new(&registry, &registry, rules).unwrap();
    // Whoever may write to the queue says that it was the scanner, or that it was a look.
    let forged = call(json!({"eventID": "e1", "errorCode": "AccessDenied"})).to_string();
    assert_eq!(take(&mut engine, &forged, now()), []);
    let asked = by_admin(json!({"eventID": "e2", "requestParameters": {"userName": "svc-billing"}}));
    assert_eq!(take(&mut engine, &asked.to_string(), now())[0].severity, Severity::Medium);
    for id in ["e1", "e2"] {
        let real = call(json!({"eventID": id, "sourceIPAddress": format!("198.51.100.{}", &id[1..])})).to_string();
        assert_eq!(take(&mut engine, &real, now()).len(), 1, "{id}");
        for again in [&real, &forged] {
            assert_eq!(take(&mut engine, again, now()), [], "{id}");
        }
    }
    let fired = registry.token("t1").unwrap().unwrap().fired.unwrap();
    assert_eq!((fired.events, fired.suppressed), (2, 0));
}
