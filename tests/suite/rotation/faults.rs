//! Every call of every plan goes wrong in every way, once: at store and provider; the process dies after every entry.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use tokenring::domain::rotation::Line;
use tokenring::engine::rotation::{Audience, Rotations, State, Turn};

use super::chaos::{Chaos, FAULTS, Fault};
use super::person::Person;
use super::plans::{AUTOMATIC, BY_HAND};
use super::rig::Rig;

/// One run with one fault; returns how many calls it took.
async fn run(name: &str, administrator: Option<&str>, fault: Option<(usize, Fault)>) -> usize {
    let rig = Rig::new().await;
    let credential = rig.adopt(name).await;
    let administrator = match administrator {
        Some(administrator) => Some(rig.adopt(administrator).await),
        None => None,
    };
    let before = rig.living(&credential.region).await;
    let plan = rig.calm().plan_rotation(&credential, administrator.as_ref()).await.unwrap();
    let chaos = std::sync::Arc::new(fault.map_or_else(Chaos::calm, |(nth, fault)| Chaos::at(nth, fault)));
    let person = Person::new(&rig, name);
    let status = rig.rotate_in(plan, &chaos, &person).await;
    rig.assert_accounted(&before, &credential, &status).await;
    chaos.calls()
}

async fn every_call_goes_wrong_in_every_way(name: &str, administrator: Option<&str>) {
    let calls = run(name, administrator, None).await;
    for nth in 0..calls {
        for fault in FAULTS {
            run(name, administrator, Some((nth, fault))).await;
        }
    }
}

#[tokio::test]
async fn timing() {
    let started = std::time::Instant::now();
    for _ in 0..10 { Rig::new().await; }
    println!("rig {:?}", started.elapsed() / 10);
    for (name, administrator) in AUTOMATIC.into_iter().chain(BY_HAND) {
        let started = std::time::Instant::now();
        let calls = run(name, administrator, None).await;
        println!("{name}: {calls} calls, {:?}", started.elapsed());
    }
}
