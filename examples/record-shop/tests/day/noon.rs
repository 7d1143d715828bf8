//! Noon: the catalogue is put in order, and the playlists.

use anyhow::{Result, ensure};
use record_shop::entity::{album, artist, invoice_line, playlist, playlist_track, track};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, TransactionTrait, prelude::Decimal, prelude::Expr,
};

use crate::{Step, kept, shop::Shop, sql, step};

pub fn steps() -> Vec<Step> {
    let mut steps = catalogue();
    steps.extend(playlists());
    steps
}

fn catalogue() -> Vec<Step> {
    vec![
        sql("a track was on another album", "UPDATE track SET album_id = 2 WHERE id = 1")
            .read_at_once(),
        sql(
            "two albums were mixed up",
            "UPDATE track SET album_id = 221 - album_id WHERE album_id IN (94, 127)",
        ),
        step("an album was by another artist", another_artist).read_at_once(),
        sql(
            "U2 are taken over by Metallica",
            "UPDATE album SET artist_id = 50 WHERE artist_id = 150",
        ),
        step("all jazz turns out to be rock", all_jazz_is_rock).read_at_once(),
        sql("a track belongs to no album", "UPDATE track SET album_id = NULL WHERE id = 2"),
        sql(
            "it is sold all the same",
            "INSERT INTO invoice_line (track_id, unit_price, invoice_id, quantity)
             VALUES (2, 5.55, 101, 1)",
        ),
        sql("its album is found", "UPDATE track SET album_id = 4 WHERE id = 2"),
        sql("an album goes, its tracks stay", "DELETE FROM album WHERE id = 141").read_at_once(),
        sql("an artist goes, with the albums", "DELETE FROM artist WHERE id = 50"),
        step("a new artist, a new album, and a track that is sold at once", newcomers)
            .read_at_once(),
        sql(
            "an artist without albums gets another id",
            "UPDATE artist SET id = 1000 WHERE id = 25",
        ),
        sql(
            "a track is longer than was thought",
            "UPDATE track SET milliseconds = milliseconds + 600000 WHERE id = 3403",
        ),
        sql(
            "the names of all tracks are put right",
            "UPDATE track SET name = 'x', composer = NULL, bytes = 0",
        )
        .changing_nothing(),
    ]
}

fn playlists() -> Vec<Step> {
    vec![
        step("a few tracks come onto a playlist", onto_a_playlist).read_at_once(),
        sql(
            "one of them is on it twice",
            "INSERT INTO playlist_track (track_id, playlist_id) VALUES (3403, 16)",
        ),
        step("all classical tracks come onto an empty playlist", all_classical),
        sql(
            "a track moves to another playlist",
            "UPDATE playlist_track SET playlist_id = 18 WHERE id = 8674",
        ),
        sql(
            "another is put in its place",
            "UPDATE playlist_track SET track_id = 2820 WHERE id = 8674",
        )
        .read_at_once(),
        sql(
            "half of a playlist is struck off",
            "DELETE FROM playlist_track WHERE playlist_id = 5 AND id % 2 = 0",
        ),
        sql("a track goes, and from all playlists", "DELETE FROM track WHERE id = 7"),
        sql("a playlist gets another number", "UPDATE playlist SET id = 100 WHERE id = 17"),
        sql("a playlist goes", "DELETE FROM playlist WHERE id = 1"),
        step("a new playlist is empty", an_empty_playlist).read_at_once(),
        step("all playlists are wiped, all but the tracks", wiped),
    ]
}

async fn another_artist(shop: &Shop) -> Result<()> {
    let album = album::Entity::find_by_id(4).one(&shop.db).await?.expect("an album");
    album::ActiveModel { artist_id: Set(22), ..album.into_active_model() }.save(&shop.db).await?;
    Ok(())
}

async fn all_jazz_is_rock(shop: &Shop) -> Result<()> {
    let rock = track::Entity::update_many().col_expr(track::Column::GenreId, Expr::value(1));
    let done = rock.filter(track::Column::GenreId.eq(2)).exec(&shop.db).await?;
    ensure!(done.rows_affected > 100, "there is more jazz than {} tracks", done.rows_affected);
    Ok(())
}

async fn newcomers(shop: &Shop) -> Result<()> {
    let sale = shop.db.begin().await?;
    let artist = artist::ActiveModel { name: Set("The Pigeons".to_owned()), ..Default::default() };
    let artist = artist.insert(&sale).await?;

    let album = album::ActiveModel {
        artist_id: Set(artist.id),
        title: Set("Lamppost".to_owned()),
        ..Default::default()
    };
    let album = album.insert(&sale).await?;

    let track = track::ActiveModel {
        album_id: Set(Some(album.id)),
        media_type_id: Set(1),
        genre_id: Set(25),
        name: Set("Coo".to_owned()),
        milliseconds: Set(180_000),
        bytes: Set(1),
        unit_price: Set(Decimal::new(129, 2)),
        ..Default::default()
    };
    let track = track.insert(&sale).await?;

    let line = invoice_line::ActiveModel {
        track_id: Set(track.id),
        unit_price: Set(track.unit_price),
        invoice_id: Set(200),
        quantity: Set(3),
        ..Default::default()
    };
    line.insert(&sale).await?;

    ensure!(artist.fresh_revenue(&sale).await? == Decimal::new(387, 2), "three copies were sold");
    sale.commit().await?;

    Ok(())
}

async fn onto_a_playlist(shop: &Shop) -> Result<()> {
    let on = |track: i32| playlist_track::ActiveModel {
        track_id: Set(track),
        playlist_id: Set(16),
        ..Default::default()
    };
    playlist_track::Entity::insert_many([on(1), on(3403), on(3404)]).exec(&shop.db).await?;
    Ok(())
}

async fn all_classical(shop: &Shop) -> Result<()> {
    shop.sql(
        "INSERT INTO playlist_track (track_id, playlist_id)
         SELECT id, 2
           FROM track
          WHERE genre_id = 24",
    )
    .await
}

async fn an_empty_playlist(shop: &Shop) -> Result<()> {
    let playlist = playlist::ActiveModel { name: Set("Silence".to_owned()), ..Default::default() };
    let playlist = playlist.insert(&shop.db).await?;
    ensure!(playlist.minutes(&shop.db).await? == 0, "it is empty");
    Ok(())
}

/// Wipes rows in a transaction, in which a nested one was rolled back.
async fn wiped(shop: &Shop) -> Result<()> {
    let wiping = shop.db.begin().await?;
    let too_much = wiping.begin().await?;
    too_much.execute_unprepared("DELETE FROM playlist").await?;
    too_much.rollback().await?;
    wiping.execute_unprepared("DELETE FROM playlist_track").await?;
    wiping.commit().await?;
    let of_playlists = shop.number("SELECT count(*) FROM _playlist_cached_marks").await?;
    ensure!(of_playlists > 0, "the playlists should be marked");
    ensure!(kept::nothing_is_pending(shop).await.is_err(), "and known to be");
    Ok(())
}
