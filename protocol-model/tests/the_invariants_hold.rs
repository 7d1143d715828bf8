//! The checker visits every state that the protocol can come to.

use protocol_model::{Hole, Protocol};
use stateright::{Checker, Model};

fn check(protocol: Protocol) -> impl Checker<Protocol> {
    protocol.checker().threads(2).spawn_bfs().join()
}

#[test]
fn in_every_state() {
    let checker = check(Protocol::sound());
    checker.assert_properties();
    println!("{} states", checker.unique_state_count());
    assert!(checker.unique_state_count() > 10_000, "so few states say nothing");
}

/// Where there is one writer, a mark that waits also stands for later changes.
#[test]
fn also_where_one_mark_stands_for_several_changes() {
    let checker = check(Protocol::of_one_writer());
    checker.assert_properties();
    println!("{} states", checker.unique_state_count());
    assert!(checker.unique_state_count() > 10_000, "so few states say nothing");
}

/// A chunk of rows that an installation flags has one mark.
#[test]
fn also_where_an_installation_flags_the_row() {
    for protocol in [Protocol::of_an_installation(), Protocol::of_an_installation_by_one_writer()] {
        let checker = check(protocol);
        checker.assert_properties();
        println!("{} states", checker.unique_state_count());
        assert!(checker.unique_state_count() > 10_000, "so few states say nothing");
    }
}

/// Each of the mistakes breaks an invariant. The test prints the shortest way to it.
#[test]
fn and_each_hole_is_found() {
    for hole in Hole::ALL {
        let checker = check(Protocol::with(hole));
        let broken = checker.discoveries().into_iter().find(|(name, _)| name.starts_with('I'));
        let (name, path) = broken.unwrap_or_else(|| panic!("{hole:?} breaks nothing"));
        println!("{hole:?} breaks {name}: {:?}", path.into_actions());
    }
}
