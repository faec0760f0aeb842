//! What holds for anything that comes in.

use super::*;

/// Any JSON, in which what an engine looks at is likely to stand somewhere.
fn anything() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just(KEY.to_owned()),
        Just(ARN.to_owned()),
        Just(PRINCIPAL.to_owned()),
        Just("svc-billing".to_owned()),
        Just("111122223333".to_owned()),
        Just("iam.amazonaws.com".to_owned()),
        Just("arn:aws:iam::111122223333:user/".to_owned()),
        Just(":user/:user/AKIA".to_owned()),
        Just("User: ".to_owned()),
        Just("-999999-01-01T00:00:00Z".to_owned()),
        Just("9999-12-30T22:00:00Z".to_owned()),
        ".{0,40}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "eventVersion",
        "userIdentity",
        "eventTime",
        "eventSource",
        "eventName",
        "awsRegion",
        "sourceIPAddress",
        "userAgent",
        "errorCode",
        "errorMessage",
        "requestParameters",
        "responseElements",
        "eventID",
        "resources",
        "recipientAccountId",
        "vpcEndpointId",
        "type",
        "principalId",
        "arn",
        "accountId",
        "accessKeyId",
        "userName",
        "sessionContext",
        "sessionIssuer",
        "invokedBy",
        "credentials",
        "detail",
        "affectedEntities",
        "entityValue",
        "eventDescription",
        "latestDescription",
        "eventTypeCode",
        "ARN",
        "x",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn nothing_costs_more_than_itself(fields in prop::collection::vec((name(), anything()), 0..12), health in any::<bool>()) {
        let registry = registry();
        let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
        let mut odd = if health {
            json!({"detail-type": "AWS Health Event", "source": "aws.health", "detail": {"eventTypeCode": "AWS_RISK_X"}})
        } else {
            call(json!({"eventID": "odd"}))
        };
        for (name, value) in fields {
            if health { odd["detail"][&name] = value } else { odd[&name] = value }
        }
        let mut alerts = Vec::new();
        for found in found_in(&odd.to_string()).into_iter().flatten() {
            match engine.take(&found, now()) {
                Ok(more) => alerts.extend(more),
                Err(TakeError::NoEvent(_)) => {}
                Err(error) => prop_assert!(false, "{error}"),
            }
        }
        engine.settle(now()).unwrap();
        for alert in &alerts {
            prop_assert!(alert.title.chars().all(|character| !character.is_control()), "{}", alert.title);
            prop_assert_eq!(&serde_json::from_str::<Alert>(&serde_json::to_string(alert).unwrap()).unwrap(), alert);
        }
        // The next one is seen: it is new, or of an incident that the odd one has opened.
        take(&mut engine, &call(json!({"eventID": "next", "sourceIPAddress": "198.51.100.99"})).to_string(), now());
        prop_assert!(is_known(&registry, "next"));
        engine.tick(now() + SignedDuration::from_hours(1)).unwrap();
    }

    /// Of random tokens none is ever found in somebody else's events.
    #[test]
    fn nobody_is_accused_for_nothing(
        keys in prop::collection::vec("AKIA[A-Z2-7]{16}", 1..20), name in "[a-z]{3,12}-[a-z]{3,12}", record in anything(),
    ) {
        let registry = Registry::in_memory().unwrap();
        for (number, key) in keys.iter().enumerate() {
            let mut token = token(&format!("r{number}"), &format!("{name}-{number}"));
            token.principal_id = Some(format!("AIDA{}", &key[4..]));
            let key = json!([{"id": key, "status": "active", "created_at": "2026-01-01T00:00:00Z"}]);
            token.keys = serde_json::from_value(key).unwrap();
            // Two random keys may be the same one.
            let _ = registry.insert(&token, |_| None);
        }
        let mut engine = Engine::new(&registry, &registry, plain()).unwrap();
        let mut somebody = by_admin(json!({"requestParameters": record}));
        prop_assert_eq!(take(&mut engine, &somebody.to_string(), now()), []);
        somebody = call(json!({"resources": record}));
        prop_assert_eq!(take(&mut engine, &somebody.to_string(), now()), []);
    }
}
