//! Relations between models that the macro cannot see, and the choice between several.

use std::marker::PhantomData;

use sea_orm::{
    EntityTrait, Iterable, Related, RelationDef, RelationTrait, RelationType,
    entity::compound::{BelongsTo, BelongsToCardinality, HasMany, HasOne},
};

use super::path::{Hop, Path, related};

/// A relation field of a `ModelEx`; it names the entity at its other end.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no relation field",
    label = "expected a field of type `HasMany`, `HasOne` or `BelongsTo`",
    note = "in `depends_on`, a column is written as its name, a relation as `name(columns of the \
            related model)`; `count` and `exists` end with a relation, the other roll-ups with a \
            column"
)]
pub trait RelationField {
    /// The entity at the other end.
    type Entity: EntityTrait;

    /// Returns whether the field can stand for this relation.
    fn fits(relation: &RelationDef) -> bool;
}

impl<E: EntityTrait> RelationField for HasMany<E> {
    type Entity = E;

    fn fits(relation: &RelationDef) -> bool {
        relation.rel_type == RelationType::HasMany
    }
}

impl<E: EntityTrait> RelationField for HasOne<E> {
    type Entity = E;

    fn fits(relation: &RelationDef) -> bool {
        relation.rel_type == RelationType::HasOne
    }
}

impl<T: BelongsToCardinality> RelationField for BelongsTo<T> {
    type Entity = T::Entity;

    fn fits(relation: &RelationDef) -> bool {
        // Its documentation says the opposite of what SeaORM puts there.
        !relation.is_owner
    }
}

/// The way over a relation field of the entity `E` to `R`, before it is known which relation it is.
#[derive(Debug)]
pub struct Over<E, R> {
    path: Path<E>,
    name: &'static str,
    variant: &'static str,
    fits: fn(&RelationDef) -> bool,
    entity: PhantomData<R>,
}

impl<E: EntityTrait> Path<E> {
    /// Adds a hop over a relation field. The closure makes the compiler check the field. `name` is
    /// the name of that field, `variant` the same name as a variant of `Relation`.
    pub fn over<F: RelationField>(
        self,
        _: impl FnOnce(&E::ModelEx) -> &F,
        name: &'static str,
        variant: &'static str,
    ) -> Over<E, F::Entity> {
        Over { path: self, name, variant, fits: F::fits, entity: PhantomData }
    }
}

impl<E: EntityTrait + Related<R>, R: EntityTrait> Over<E, R> {
    /// Follows the relation.
    pub fn follow(self) -> Path<R> {
        self.by_name_or(Some(related::<E, R>()))
    }
}

/// The fallback where [`Related`] is not implemented. An inherent method takes precedence over a
/// method of a trait, so this one is used only there.
pub trait FollowUnrelated {
    /// The entity at the other end.
    type Entity;

    /// Follows the relation.
    fn follow(self) -> Path<Self::Entity>;
}

impl<E: EntityTrait, R: EntityTrait> FollowUnrelated for Over<E, R> {
    type Entity = R;

    fn follow(self) -> Path<R> {
        self.by_name_or(None)
    }
}

impl<E: EntityTrait, R: EntityTrait> Over<E, R> {
    /// Follows the relation that has the name of the field, else the one of `Related`.
    ///
    /// SeaORM implements `Related` for a model's only relation to an entity. Of several relations
    /// it keeps no more than the variants of `Relation`. An attribute of a model that the macro
    /// does not see says which of them a field stands for. So only the name can tell, and only when
    /// the program runs. The relation is the variant that has the name of the field. Otherwise it
    /// is the one of `Related`, if no other fits. Otherwise there is none, and `install` refuses
    /// the path. Only a model that names the relation of one field exactly like another field to
    /// the same entity would deceive it.
    fn by_name_or(self, related: Option<Vec<Hop>>) -> Path<R> {
        let fitting = self.fitting();
        if let Some((_, hop)) = fitting.iter().find(|(variant, _)| variant == self.variant) {
            return self.path.by_hops([hop.clone()]);
        }

        match related {
            Some(hops) if fitting.iter().all(|(_, other)| hops == [other.clone()]) => {
                self.path.by_hops(hops)
            }
            _ => self.path.astray(format!(
                "it is not clear which relation of `{}` its field `{}` is; call the relation like \
                 the field, `relation_enum = \"{}\"`, or, if it leads through a junction, go by \
                 the relation of the junction that leads here, \
                 `super::junction::Relation::Variant(target(..))`",
                E::default().table_name(),
                self.name,
                self.variant
            )),
        }
    }

    /// Returns the relations that the field can stand for, each with its variant.
    fn fitting(&self) -> Vec<(String, Hop)> {
        let target = R::default().table_ref();
        E::Relation::iter()
            .map(|relation| (relation.name(), relation.def()))
            .filter(|(_, definition)| definition.to_tbl == target && (self.fits)(definition))
            .map(|(variant, definition)| (variant, definition.into()))
            .collect()
    }
}

/// The way from `E` to the entity `R` of a module, before it is known which of the two declares
/// their relation.
#[derive(Debug)]
pub struct Toward<E, R> {
    path: Path<E>,
    entity: PhantomData<R>,
}

impl<E: EntityTrait> Path<E> {
    /// Adds a hop to the related entity `R`.
    pub fn toward<R: EntityTrait>(self) -> Toward<E, R> {
        Toward { path: self, entity: PhantomData }
    }
}

impl<E: EntityTrait + Related<R>, R: EntityTrait> Toward<E, R> {
    /// Follows the relation.
    pub fn follow(self) -> Path<R> {
        self.path.to()
    }
}

/// The fallback where only the other entity implements [`Related`], as many junctions do.
pub trait FollowBack: Sized {
    /// The entity at the near end.
    type Near;
    /// The entity at the far end.
    type Far;

    /// Follows the relation.
    fn follow(self) -> Path<Self::Far>
    where
        Self::Far: RelatedBack<Self::Near>;
}

impl<E: EntityTrait, R: EntityTrait> FollowBack for Toward<E, R> {
    type Near = E;
    type Far = R;

    fn follow(self) -> Path<R>
    where
        R: RelatedBack<E>,
    {
        self.path.by_hops(R::from_there())
    }
}

/// An entity that has a relation to `E`.
#[diagnostic::on_unimplemented(
    message = "SeaORM knows of no relation between `{E}` and `{Self}`",
    label = "neither model has one relation to the other, and no more",
    note = "if there is none, declare it, as in `#[sea_orm(has_many)] pigeons: \
            HasMany<super::pigeon::Entity>`, or implement `Related`",
    note = "if there are several, name the relation field (`#[sea_orm::compact_model]` lets a \
            compact model have some, called like the variants of its `Relation`), or the relation \
            that leads here: `super::pigeon::Relation::Lamppost(weight)`"
)]
pub trait RelatedBack<E> {
    /// Returns the way from `E`.
    fn from_there() -> Vec<Hop>;
}

#[diagnostic::do_not_recommend]
impl<E: EntityTrait, R: Related<E>> RelatedBack<E> for R {
    fn from_there() -> Vec<Hop> {
        [Some(R::to()), R::via()]
            .into_iter()
            .flatten()
            .map(|relation| relation.rev().into())
            .collect()
    }
}
