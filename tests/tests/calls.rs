//! A poll of an account with some two thousand resources makes no call that it does not need.

use std::collections::BTreeMap;
use std::thread;

use common::resource::ResourceType;
use tests::calls::{KEYLESS, NEEDS, REGIONS, VOLUMES, Volume};
use tests::many::Place;
use tests::stage::Stage;
use tests::{Emulator, Proxy};

#[test]
fn a_poll_of_a_large_account_makes_the_calls_that_are_needed_and_no_other() {
    let types: Vec<&str> = VOLUMES.iter().map(|volume| volume.kind.name()).collect();
    let stage = Stage::empty(&types.join(","));
    fill(&stage);

    let proxy = Proxy::new(Emulator::shared());
    let poll = stage.through(&proxy).tool("poll").args(["--types", &types.join(","), "--regions", &REGIONS.join(",")]);
    let polled = stage.run(poll).exits(0);
    let records = polled.kind("resource");
    let found = |kind: ResourceType| records.iter().filter(|record| record["type"] == kind.name()).count();
    let found: Vec<(&str, usize)> = VOLUMES.iter().map(|volume| (volume.kind.name(), found(volume.kind))).collect();
    let total = |volume: &Volume| volume.made.iter().sum::<usize>() + volume.given;
    let made: Vec<(&str, usize)> = VOLUMES.iter().map(|volume| (volume.kind.name(), total(volume))).collect();
    assert_eq!(found, made);

    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for need in NEEDS.iter().filter(|need| need.count > 0) {
        *expected.entry(need.operation.to_owned()).or_default() += need.count;
    }
    assert_eq!(proxy.counts(), expected);
}

fn fill(stage: &Stage) {
    // The emulator does one request after the other, but somebody has to wait for the answers.
    thread::scope(|scope| {
        for (number, region) in REGIONS.iter().enumerate() {
            scope.spawn(move || {
                let place = Place { account: &stage.account, region };
                for volume in VOLUMES {
                    place.make(volume.kind, volume.made[number]);
                }
            });
        }
    });
    let place = Place { account: &stage.account, region: REGIONS[0] };
    for number in 0..KEYLESS {
        place.iam(&format!("Action=CreateUser&UserName=keyless-{number:04}"));
    }
}

#[test]
fn every_type_has_its_volume_and_its_needs() {
    for kind in ResourceType::ALL {
        let volumes = VOLUMES.iter().filter(|volume| volume.kind == *kind).count();
        let needs = NEEDS.iter().any(|need| need.kind == Some(*kind));
        assert_eq!((volumes, needs), (1, true), "{kind}");
    }
}
