//! The writing operations: what there is before each, and the request itself.

use harness::Result;
use harness::stack::text;
use serde_json::{Value, json};

use crate::lane::{Lane, Request};
use crate::requests::{collection, delete, global, link, much, preview, save, saved, two_versions, worker};

/// How the client goes on after a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It gives up.
    Never,
    /// It sends the same once more.
    AtOnce,
    /// It sends the same once more, but the worker has been there and an upload is gone.
    DayLater,
    /// It sends the upload once more, but with a mistake.
    Mistaken,
}

impl Repeat {
    pub const ALL: [Self; 4] = [Self::Never, Self::AtOnce, Self::DayLater, Self::Mistaken];

    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::AtOnce => "at-once",
            Self::DayLater => "day-later",
            Self::Mistaken => "mistaken",
        }
    }
}

pub struct Scenario {
    pub name: &'static str,
    /// Makes what has to be there, and the request. A request to the worker has no event: it gets what the stream
    /// says.
    pub prepare: fn(&mut Lane) -> Result<Request>,
    pub repeats: &'static [Repeat],
    /// What a repetition may be answered besides success, if the first request did it.
    pub when_done: &'static [u64],
    /// Whether it is tried with two faults in a row.
    pub twice: bool,
    /// Whether the file is deleted in the end, with all that was made of it.
    pub then_delete: bool,
}

const ANY_TIME: &[Repeat] = &[Repeat::Never, Repeat::AtOnce, Repeat::DayLater];
const UPLOAD: &[Repeat] = &Repeat::ALL;
/// Within the time that a key is kept for.
const SOON: &[Repeat] = &[Repeat::Never, Repeat::AtOnce];
/// Lambda repeats by itself, and what it gives up is sent again by hand.
const WORKER: &[Repeat] = &[Repeat::AtOnce];

const fn scenario(
    name: &'static str,
    repeats: &'static [Repeat],
    prepare: fn(&mut Lane) -> Result<Request>,
) -> Scenario {
    Scenario { name, prepare, repeats, when_done: &[], twice: false, then_delete: false }
}

impl Scenario {
    const fn twice(mut self) -> Self {
        self.twice = true;
        self
    }

    const fn when_done(mut self, statuses: &'static [u64]) -> Self {
        self.when_done = statuses;
        self
    }

    const fn then_delete(mut self) -> Self {
        self.then_delete = true;
        self
    }
}

pub const SCENARIOS: &[Scenario] = &[
    scenario("save-new", UPLOAD, |lane| save(&json!({ "s3ref": lane.upload()? }))).twice(),
    scenario("save-new-public", UPLOAD, |lane| {
        save(&json!({ "s3ref": lane.upload()?, "access_control": "public-read" }))
    })
    .twice(),
    scenario("save-new-related", UPLOAD, |lane| {
        save(&json!({ "s3ref": lane.upload()?, "relations": [{ "entity_id": "e1" }, { "entity_id": "e2" }] }))
    }),
    scenario("save-refused", UPLOAD, |lane| {
        let relations: Vec<_> = (0..41).map(|number| json!({ "entity_id": format!("e{number}") })).collect();
        save(&json!({ "s3ref": lane.upload()?, "relations": relations }))
    })
    .when_done(&[400]),
    scenario("save-version", UPLOAD, |lane| {
        let file = saved(lane, &json!({}))?;
        save(&json!({ "_id": file["_id"], "s3ref": lane.upload()? }))
    })
    .twice(),
    scenario("save-version-public", UPLOAD, |lane| {
        let file = saved(lane, &json!({ "access_control": "public-read" }))?;
        save(&json!({ "_id": file["_id"], "s3ref": lane.upload()? }))
    })
    .twice(),
    scenario("save-version-closing", UPLOAD, |lane| {
        let file = saved(lane, &json!({ "access_control": "public-read" }))?;
        save(&json!({ "_id": file["_id"], "s3ref": lane.upload()?, "access_control": "private" }))
    }),
    scenario("save-batch", ANY_TIME, |lane| {
        let file = saved(lane, &json!({}))?;
        let item = |s3ref| json!({ "_id": file["_id"], "s3ref": s3ref });
        let items = [item(lane.upload()?), item(lane.upload()?), item(lane.upload()?)];
        Ok(save(&json!(items))?.query("version_only=true"))
    })
    .twice(),
    scenario("save-copy", SOON, |lane| {
        let file = saved(lane, &json!({}))?;
        Ok(save(&json!({ "s3ref": file["s3ref"] }))?.with_key())
    }),
    scenario("save-source-url", SOON, |lane| {
        let url = format!("http://{}/a.txt", lane.setting.server);
        Ok(save(&json!({ "source_url": url }))?.with_key())
    }),
    scenario("save-version-source-url", SOON, |lane| {
        let file = saved(lane, &json!({}))?;
        let url = format!("http://{}/a.txt", lane.setting.server);
        Ok(save(&json!({ "_id": file["_id"], "source_url": url }))?.with_key())
    }),
    scenario("save-kept-elsewhere", SOON, |_| {
        let body = json!({ "custom_download_url": "https://files.example/7", "filename": "a.txt" });
        Ok(save(&body)?.with_key())
    }),
    scenario("update", ANY_TIME, |lane| {
        let file = saved(lane, &json!({}))?;
        save(&json!({ "_id": file["_id"], "filename": "b.txt", "_tags": ["x"] }))
    }),
    scenario("open", ANY_TIME, |lane| {
        let file = two_versions(lane, &json!({}))?;
        save(&json!({ "_id": file["_id"], "access_control": "public-read" }))
    })
    .twice(),
    scenario("close", ANY_TIME, |lane| {
        let file = two_versions(lane, &json!({ "access_control": "public-read" }))?;
        save(&json!({ "_id": file["_id"], "access_control": "private" }))
    })
    .twice(),
    scenario("relate", ANY_TIME, |lane| {
        let file = saved(lane, &json!({ "relations": [{ "entity_id": "e1" }] }))?;
        let changes = json!([{ "entity_id": "e2" }, { "entity_id": "e1", "remove": true }]);
        save(&json!({ "_id": file["_id"], "relations": changes }))
    }),
    scenario("delete-purge", ANY_TIME, |lane| {
        let file = two_versions(lane, &json!({}))?;
        Ok(delete(&file).query("purge=true"))
    })
    .when_done(&[404])
    .twice(),
    scenario("delete-v1", ANY_TIME, |lane| {
        let file = saved(lane, &json!({}))?;
        Ok(Request::new("delete-file", "DELETE /v1/files/{id}", &[("id", text(&file["_id"]))], &Value::Null))
    })
    .when_done(&[404]),
    scenario("delete-hidden", ANY_TIME, |lane| {
        let file = saved(lane, &json!({}))?;
        Ok(delete(&file))
    })
    .when_done(&[404])
    .twice(),
    scenario("delete-public-purge", ANY_TIME, |lane| {
        let file = two_versions(lane, &json!({ "access_control": "public-read" }))?;
        Ok(delete(&file).query("purge=true"))
    })
    .when_done(&[404])
    .twice(),
    scenario("delete-public-hidden", ANY_TIME, |lane| {
        let file = saved(lane, &json!({ "access_control": "public-read" }))?;
        Ok(delete(&file))
    })
    .when_done(&[404])
    .twice(),
    scenario("delete-much", ANY_TIME, |lane| {
        let file = much(lane)?;
        Ok(delete(&file).query("purge=true"))
    })
    .when_done(&[404]),
    scenario("link", SOON, |lane| {
        let file = saved(lane, &json!({}))?;
        Ok(link(&file).with_key())
    }),
    scenario("revoke", ANY_TIME, |lane| {
        let file = saved(lane, &json!({}))?;
        let url = lane.must(&link(&file))?;
        let id = text(&url).rsplit('/').nth(1).unwrap_or_default().to_owned();
        lane.know(&id);
        Ok(Request::new("revoke-public-link", "DELETE /v1/files/public/links/{id}", &[("id", &id)], &Value::Null))
    })
    .when_done(&[404]),
    scenario("collection-create", SOON, |_| Ok(collection("create", "POST", "", &json!({ "name": "A" }))))
        .when_done(&[409]),
    scenario("collection-update", ANY_TIME, |lane| {
        lane.must(&collection("create", "POST", "", &json!({ "name": "A" })))?;
        Ok(collection("update", "PUT", "/{collectionSlug}", &json!({ "starred": true })))
    }),
    scenario("collection-delete", ANY_TIME, |lane| {
        lane.must(&collection("create", "POST", "", &json!({ "name": "A" })))?;
        lane.must(&collection("create", "POST", "", &json!({ "name": "B", "parents": ["a"] })))?;
        Ok(collection("delete", "DELETE", "/{collectionSlug}", &Value::Null))
    })
    .when_done(&[404]),
    scenario("global-create", SOON, |_| Ok(global("create", "POST", "", &json!({ "name": "A" })))).when_done(&[409]),
    scenario("global-update", ANY_TIME, |lane| {
        lane.must(&global("create", "POST", "", &json!({ "name": "A" })))?;
        Ok(global("update", "PUT", "/{collectionSlug}", &json!({ "starred": true })))
    }),
    scenario("global-delete", ANY_TIME, |lane| {
        lane.must(&global("create", "POST", "", &json!({ "name": "A" })))?;
        Ok(global("delete", "DELETE", "/{collectionSlug}", &Value::Null))
    })
    .when_done(&[404]),
    scenario("preview", ANY_TIME, |lane| {
        let file = saved(lane, &json!({}))?;
        Ok(preview(&file))
    })
    .then_delete(),
    scenario("preview-public", ANY_TIME, |lane| {
        let file = saved(lane, &json!({ "access_control": "public-read" }))?;
        let path = [("id", text(&file["_id"]))];
        Ok(Request::new("preview-public-file", "GET /v1/files/public/{id}/preview", &path, &Value::Null))
    })
    .then_delete(),
    scenario("worker-purges", WORKER, |lane| {
        let file = much(lane)?;
        lane.must(&delete(&file))?;
        lane.settle()?;
        for item in lane.wire.items().into_iter().filter(|item| item.get("deleted_at").is_some()) {
            lane.wire.delete(&item)?;
        }
        worker()
    })
    .twice(),
    scenario("worker-opens", WORKER, |lane| {
        let file = two_versions(lane, &json!({}))?;
        lane.must(&save(&json!({ "_id": file["_id"], "access_control": "public-read" }))?)?;
        worker()
    }),
    scenario("worker-closes", WORKER, |lane| {
        let file = two_versions(lane, &json!({ "access_control": "public-read" }))?;
        lane.must(&save(&json!({ "_id": file["_id"], "access_control": "private" }))?)?;
        worker()
    }),
    scenario("worker-deletes-public", WORKER, |lane| {
        let file = two_versions(lane, &json!({ "access_control": "public-read" }))?;
        lane.must(&delete(&file))?;
        worker()
    }),
];
