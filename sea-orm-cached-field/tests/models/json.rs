//! What a model's JSON has of a cached field, and what it has to have.
#![deny(warnings)]

use sea_orm::{ActiveModelTrait, ActiveValue, entity::prelude::*};
use sea_orm_cached_field::{CachedField, cached_fields};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "bill")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub amount: i64,
    #[cached(depends_on(amount), temporal_triggers)]
    pub total: i64,
    #[cached(depends_on(amount), temporal_triggers, attributes(serde(skip)))]
    #[serde(skip_deserializing)]
    pub note: Option<String>,
    #[cached(depends_on(amount), attributes(serde(rename = "stale", default = "fresh")))]
    pub sum: i64,
}

fn fresh() -> bool {
    false
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub async fn calculate_total(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
        Ok(self.amount)
    }

    pub async fn calculate_note(&self, _: &impl ConnectionTrait) -> Result<Option<String>, DbErr> {
        Ok(None)
    }

    pub async fn calculate_sum(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
        Ok(self.amount)
    }
}

#[test]
fn none_of_it_has_to_be_sent() {
    let bill: Model = serde_json::from_value(json!({ "id": 1, "amount": 7 })).expect("a bill");
    assert_eq!((bill.cached_total, bill.cached_note.clone()), (None, None));
    assert_eq!((bill.total_recalculation_needed, bill.note_recalculation_needed), (true, true));
    assert_eq!(Note::stored(&bill).fresh(), None);
    assert!(!bill.sum_recalculation_needed);

    let extended: ModelEx =
        serde_json::from_value(json!({ "id": 1, "amount": 7 })).expect("a bill");
    assert_eq!(Model::from(extended), bill);
}

#[test]
fn only_what_was_sent_is_set() {
    let bill = ActiveModel::from_json(json!({ "id": 1, "amount": 7 })).expect("a bill");
    assert_eq!(bill.amount, ActiveValue::Set(7));
    assert_eq!(
        (bill.cached_total, bill.total_recalculation_needed),
        (ActiveValue::NotSet, ActiveValue::NotSet)
    );
    assert_eq!(
        (bill.cached_note, bill.note_recalculation_needed),
        (ActiveValue::NotSet, ActiveValue::NotSet)
    );
}

#[test]
fn what_is_sent_is_taken() {
    let bill = json!({ "id": 1, "amount": 7, "cached_total": 7, "total_recalculation_needed": false, "stale": true });
    let bill: Model = serde_json::from_value(bill).expect("a bill");
    assert_eq!(Total::stored(&bill).fresh(), Some(&7));
    assert!(bill.sum_recalculation_needed);
}

#[test]
fn attributes_keep_columns_out() {
    let bill: Model = serde_json::from_value(json!({ "id": 1, "amount": 7 })).expect("a bill");
    let all = json!({
        "id": 1, "amount": 7,
        "cached_total": null, "total_recalculation_needed": true, "total_expires_after": null,
        "cached_note": null,
        "cached_sum": null, "stale": false,
    });
    assert_eq!(serde_json::to_value(&bill).expect("JSON"), all);
}
