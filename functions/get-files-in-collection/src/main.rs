//! `getFilesInCollection`: the files of an entity that are in a collection, newest first, in pages.
//!
//! A file is in a collection by its relation to the entity: one of the relation's `_tags` is the collection's slug,
//! full or only the part after the colon. The collection is one of the caller's own or of the organisation's. Entities
//! live elsewhere, so that one without files is not told from one that does not exist: both have an empty list.
//!
//! A page ends where the reply is full, or after 1,000 relations of the entity, whatever collection they name. So it
//! may have few files or none, and only the one without a `Link` is the last.

use lambda_http::{Body, Error, Request, Response};
use shared::{
    ApiError,
    acl::Right,
    auth::{Auth, Caller},
    collection::{Collection, Owner, collection_not_found},
    config::ConfigError,
    file_store::FileStore,
    http,
    page::Page,
    presign::Presigner,
    relation::{EntityId, FileCursor, RelatedFile},
};
use std::{collections::HashMap, sync::Arc};

/// The most files on a page, and how many there are if the request does not say and the reply has room.
const MAX_LIMIT: usize = 1_000;
/// How many files are read at a time, of which each may have 400 KB.
const FILES_AT_ONCE: usize = 25;

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
    let limit = http::limit_query(&request, MAX_LIMIT)?;
    let after: Option<FileCursor> = http::cursor_query(&request)?;
    let (collections, mut related) = tokio::try_join!(
        app.collections(&caller, slug),
        app.files.related_files(&caller.org, &entity, after.as_ref())
    )?;
    related.files.retain(|file| collections.iter().any(|(owner, collection)| collection.has(owner, &file.relation)));
    let mut page = Page::default();
    let full_at = app.fill(&mut page, limit, &caller, &related.files).await?;
    let next = full_at.or(related.next).map(|cursor| match http::text_query(&request, "limit") {
        Some(_) => format!("cursor={cursor}&limit={limit}"),
        None => format!("cursor={cursor}"),
    });
    page.reply(next.as_deref())
}

fn no_such_entity() -> ApiError {
    ApiError::NotFound("there can be no entity with this id; check it")
}

impl GetFilesInCollection {
    fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { auth: Auth::from_env()?, bucket: Presigner::from_env()?, files: FileStore::from_env()? })
    }

    /// Adds those of the files to the page that `caller` may view, until it is full: then the place where it ends.
    async fn fill(
        &self,
        page: &mut Page,
        limit: usize,
        caller: &Caller,
        related: &[RelatedFile],
    ) -> Result<Option<FileCursor>, ApiError> {
        let mut last = None;
        // One more than asked for says whether there is another page.
        for chunk in related.chunks(FILES_AT_ONCE.min(limit + 1)) {
            let ids: Vec<_> = chunk.iter().map(|file| file.file_id).collect();
            let files = self.files.load_many(caller, &ids, Right::View).await?;
            let mut files: HashMap<_, _> = files.into_iter().map(|file| (file.meta.id, file)).collect();
            for related in chunk {
                if let Some(file) = files.remove(&related.file_id)
                    && (page.count() == limit || !page.add(&file.entity(&self.bucket, false)))
                {
                    return Ok(last.map(RelatedFile::cursor));
                }
                last = Some(related);
            }
        }
        Ok(None)
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
