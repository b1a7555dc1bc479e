//! `getFilesInCollection`: the files of an entity that are in a collection, newest first.
//!
//! A file is in a collection by its relation to the entity: one of the relation's `_tags` is the collection's slug, full or
//! only the part after the colon. The collection is one of the caller's own or of the organisation's. Entities live
//! elsewhere, so that one without files is not told from one that does not exist: both have an empty list.

use lambda_http::{Body, Error, Request, Response, http::StatusCode};
use serde_json::Value;
use shared::{
    ApiError,
    acl::Right,
    auth::{Auth, Caller},
    collection::{Collection, Owner, collection_not_found},
    config::ConfigError,
    file_store::FileStore,
    http,
    presign::Presigner,
    relation::EntityId,
};
use std::{cmp::Reverse, sync::Arc};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http::run("getFilesInCollection", GetFilesInCollection::from_env()?, handle).await
}

struct GetFilesInCollection {
    auth: Auth,
    bucket: Presigner,
    files: FileStore,
}

async fn handle(app: Arc<GetFilesInCollection>, request: Request) -> Result<Response<Body>, ApiError> {
    let caller = app.auth.caller(&request).await?;
    let entity: EntityId = http::path_text(&request, "id").parse().map_err(|_| no_such_entity())?;
    let slug = http::path_text(&request, "collectionSlug");
    let (collections, related) =
        tokio::join!(app.collections(&caller, slug), app.files.related_files(&caller.org, &entity));
    let collections = collections?;
    let mut related = related?;
    related.retain(|file| collections.iter().any(|(owner, collection)| collection.has(owner, &file.relation)));
    let ids: Vec<_> = related.iter().map(|file| file.file_id).collect();
    let mut files = app.files.load_many(&caller, &ids, Right::View).await?;
    files.sort_by_cached_key(|file| (Reverse(file.meta.created_at.clone()), file.meta.id.to_string()));
    let files: Vec<Value> = files.iter().map(|file| file.entity(&app.bucket, false)).collect();
    http::json(StatusCode::OK, &files)
}

fn no_such_entity() -> ApiError {
    ApiError::NotFound("there can be no entity with this id; check it")
}

impl GetFilesInCollection {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, bucket: Presigner::from_env()?, files: FileStore::from_env()? })
    }

    /// The collections of any schema that this slug names: the caller's own, if the token names a user, and the
    /// organisation's.
    async fn collections(&self, caller: &Caller, slug: &str) -> Result<Vec<(Owner, Collection)>, ApiError> {
        let organisation = Owner::organisation(caller);
        let found = match Owner::user(caller) {
            Ok(user) => {
                let (own, shared) = tokio::join!(self.named(user, slug), self.named(organisation, slug));
                [own?, shared?].concat()
            }
            Err(_) => self.named(organisation, slug).await?,
        };
        if found.is_empty() { Err(collection_not_found()) } else { Ok(found) }
    }

    async fn named(&self, owner: Owner, slug: &str) -> Result<Vec<(Owner, Collection)>, ApiError> {
        let collections = self.files.all_collections(&owner).await?.into_iter();
        let named = collections.filter(|collection| collection.key == slug || owner.slug(collection) == slug);
        Ok(named.map(|collection| (owner.clone(), collection)).collect())
    }
}
