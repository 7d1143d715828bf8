//! What is done to a field that is known by its name, as on a command line.

use sea_orm_cached_field::{Error, Key};

use crate::fragile::*;

const OPINION: &str = "fragile.opinion";

fn keys<const N: usize>(ids: [i32; N]) -> Vec<Key> {
    ids.map(|id| Key::new([id.into()])).to_vec()
}

#[apply(contract)]
async fn rows_are_flagged(db: TestDb) {
    set_up_fragiles(&db).await;
    let [one, two, three] = rows_of(&db, ["fine", "well", "merry"]).await;
    db.drain(fragiles()).await;
    assert_eq!(fragiles().flag(OPINION, Some(&keys([one, two])), &db).await.expect("flagged"), 2);
    let flagged = async |id: i32| row(&db, id).await.opinion_recalculation_needed;
    assert_eq!([flagged(one).await, flagged(two).await, flagged(three).await], [true, true, false]);
    assert_eq!(db.drain(fragiles()).await, 2);

    assert_eq!(fragiles().flag(OPINION, None, &db).await.expect("flagged"), 3);
    assert_eq!([flagged(one).await, flagged(two).await, flagged(three).await], [true; 3]);
    assert_eq!(db.drain(fragiles()).await, 3);
    assert_opinion(&db, three, "feels merry").await;
}

#[apply(contract)]
async fn rows_are_recalculated(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [one, two] = rows_of(&db, ["fine", "error"]).await;
    let both = keys([two, one]);
    let failed = fragiles().recalculate(OPINION, &both, &db).await.expect_err("one fails");
    assert!(failed.is_of_calculation(), "{failed}");
    assert_opinion(&db, one, "feels fine").await;
    let twice = keys([one, one]);
    let rows = fragiles().recalculate(OPINION, &twice, &db).await.expect("recalculated");
    assert_eq!((rows, place.times(one)), (1, 2), "once, also if it is fresh");
}

#[apply(contract)]
async fn keys_are_read_from_texts(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    let key = fragiles().parse_key(OPINION, &[&id.to_string()]).expect("a key");
    assert_eq!(key, Key::new([id.into()]));
    fragiles().recalculate(OPINION, &[key], &db).await.expect("recalculated");
    assert_opinion(&db, id, "feels fine").await;

    let error = fragiles().parse_key(OPINION, &["seven"]).unwrap_err();
    let text = "`seven` is no value of the key column `id` of `fragile`: it has to be a whole \
                number that fits into i32";
    assert_eq!(error.to_string(), text);
    let error = fragiles().parse_key(OPINION, &["1", "2"]).unwrap_err();
    assert!(matches!(error, Error::WrongKey { columns: 1, .. }), "{error}");
    let error = fragiles().parse_key("fragile.mood", &["1"]).unwrap_err();
    assert!(matches!(error, Error::NoSuchField { .. }), "{error}");
}

#[apply(contract)]
async fn what_is_wrong_is_an_error(db: TestDb) {
    set_up_fragiles(&db).await;
    let two = [Key::new([1.into(), 2.into()])];
    for error in [
        fragiles().flag(OPINION, Some(&two), &db).await.unwrap_err(),
        fragiles().recalculate(OPINION, &two, &db).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::WrongKey { .. }), "{error}");
    }
    let nobody = keys([4711]);
    for error in [
        fragiles().flag(OPINION, Some(&nobody), &db).await.unwrap_err(),
        fragiles().recalculate(OPINION, &nobody, &db).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::RowGone { .. }), "{error}");
    }

    let [id] = rows_of(&db, ["fine"]).await;
    fragiles().uninstall(&*db).await.expect("uninstalled");
    let error = fragiles().recalculate(OPINION, &keys([id]), &db).await.unwrap_err();
    assert!(matches!(error, Error::NotInstalled { .. }), "{error}");
}
