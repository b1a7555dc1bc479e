//! Plays operations on the stack, and compares what is there with what may be.

use crate::{
    file::{Action, CALLERS, Done, File, Rights, Stage, UPLOADED_AS, outcomes},
    operation::Operation,
    stack::{Reply, Stack, eventually, link_id, text},
};
use proptest::test_runner::TestCaseError;
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};
use tokio::task::JoinSet;

/// A game: its files, and what each of them is promised to be.
struct Game<'a> {
    stack: &'a Arc<Stack>,
    /// The id of each file, and the file; oldest first.
    files: Vec<(String, File)>,
    /// The `s3ref`, the bytes and the first sender of each upload, by its id.
    uploads: HashMap<String, (Value, String, usize)>,
    /// Links that were made, of any file.
    links: Vec<(usize, String)>,
}

/// A request to be sent: about this file, by this caller.
struct Asked {
    file: usize,
    caller: usize,
    action: Action,
}

pub async fn play(stack: &Arc<Stack>, rounds: &[Vec<Operation>]) -> Result<(), TestCaseError> {
    let mut game = Game { stack, files: Vec::new(), uploads: HashMap::new(), links: Vec::new() };
    for round in rounds {
        let mut asked = Vec::new();
        for operation in round {
            game.prepare(operation, &mut asked).await;
        }
        let done = game.send(asked).await;
        for (file, done) in done {
            game.compare(file, &done).await?;
        }
    }
    game.clean_up().await;
    Ok(())
}

impl Game<'_> {
    /// Uploads what the operation needs, and says what is to be sent.
    async fn prepare(&mut self, operation: &Operation, asked: &mut Vec<Asked>) {
        if let Operation::Create { caller, is_public, times } = operation {
            let upload = self.upload(*caller).await;
            self.files.push((upload.clone(), File::uploaded(upload.clone(), *caller)));
            let file = self.files.len() - 1;
            let action = Action::Save { upload, is_public: *is_public };
            asked.extend((0..*times).map(|_| Asked { file, caller: *caller, action: action.clone() }));
            return;
        }
        if let Operation::Version { caller, file, times } = operation {
            let Some(file) = self.chosen(*file) else { return };
            let upload = self.upload(*caller).await;
            let action = Action::Save { upload, is_public: false };
            asked.extend((0..*times).map(|_| Asked { file, caller: *caller, action: action.clone() }));
            return;
        }
        asked.extend(self.of_a_file(operation));
    }

    /// The request of an operation that needs no new upload; none if there is nothing that it could be about.
    fn of_a_file(&self, operation: &Operation) -> Option<Asked> {
        let (caller, file, action) = match operation {
            Operation::Create { .. } | Operation::Version { .. } => return None,
            Operation::Again { file, version } => {
                let file = self.chosen(*file)?;
                let versions = &self.files[file].1.versions;
                let upload = versions.get(version % versions.len().max(1))?.clone();
                let caller = self.uploads[&upload].2;
                return Some(Asked { file, caller, action: Action::Save { upload, is_public: false } });
            }
            Operation::Name { caller, file, name } => (*caller, file, Action::Name(format!("{name}.txt"))),
            Operation::Open { caller, file, is_public } => (*caller, file, Action::Open(*is_public)),
            Operation::Share { caller, file, rights } => (*caller, file, Action::Share(*rights)),
            Operation::Delete { caller, file, purge } => (*caller, file, Action::Delete { purge: *purge }),
            Operation::Link { file } => (self.files[self.chosen(*file)?].1.owner, file, Action::Link),
            Operation::Revoke { file, link } => {
                let chosen = self.chosen(*file)?;
                let links: Vec<_> = self.links.iter().filter(|(of, _)| *of == chosen).collect();
                let (_, url) = links.get(link % links.len().max(1))?;
                (self.files[chosen].1.owner, file, Action::Revoke(url.clone()))
            }
        };
        Some(Asked { file: self.chosen(*file)?, caller, action })
    }

    /// The file with this number, counted from the newest.
    fn chosen(&self, number: usize) -> Option<usize> {
        self.files.len().checked_sub(1 + number)
    }

    async fn upload(&mut self, caller: usize) -> String {
        let request = self.stack.request(self.token(caller), Method::POST, "/v2/files/upload");
        let reply = Reply::of(request.json(&json!({ "filename": UPLOADED_AS }))).await.expect(201);
        let bytes = format!("bytes of upload {}", self.uploads.len());
        let put = self.stack.http.put(text(&reply["upload_url"])).body(bytes.clone()).send().await.unwrap();
        assert_eq!(put.status(), 200);
        let id = text(&reply["s3ref"]["key"]).split('/').nth(2).unwrap().to_owned();
        self.uploads.insert(id.clone(), (reply["s3ref"].clone(), bytes, caller));
        id
    }

    /// Sends everything at once; what was answered, by file.
    async fn send(&mut self, asked: Vec<Asked>) -> Vec<(usize, Vec<Done>)> {
        let mut requests = JoinSet::new();
        for Asked { file, caller, action } in asked {
            let request = self.request(file, caller, &action);
            requests.spawn(async move {
                let reply = Reply::of(request).await;
                let link = reply.body.as_str().unwrap_or_default().to_owned();
                (file, Done { caller, action, status: reply.status, link })
            });
        }
        let mut by_file: Vec<(usize, Vec<Done>)> = Vec::new();
        while let Some(answered) = requests.join_next().await {
            let (file, done) = answered.unwrap();
            if !done.link.is_empty() {
                self.links.push((file, done.link.clone()));
            }
            match by_file.iter_mut().find(|(other, _)| *other == file) {
                Some((_, all)) => all.push(done),
                None => by_file.push((file, vec![done])),
            }
        }
        by_file
    }

    fn request(&self, file: usize, caller: usize, action: &Action) -> reqwest::RequestBuilder {
        let (id, before) = &self.files[file];
        let request = |method, path: &str| self.stack.request(self.token(caller), method, path);
        let save = |body: &Value| request(Method::POST, "/v2/files").json(body);
        match action {
            Action::Save { upload, is_public } => {
                let s3ref = &self.uploads[upload].0;
                // The first version's upload is the file's own.
                if upload == id {
                    let access = if *is_public { "public-read" } else { "private" };
                    return save(&json!({ "s3ref": s3ref, "access_control": access }));
                }
                save(&json!({ "_id": id, "s3ref": s3ref }))
            }
            Action::Name(name) => save(&json!({ "_id": id, "filename": name })),
            Action::Open(is_public) => {
                let access = if *is_public { "public-read" } else { "private" };
                save(&json!({ "_id": id, "access_control": access }))
            }
            Action::Share(rights) => save(&json!({ "_id": id, "_acl": acl(before.owner, *rights) })),
            Action::Delete { purge } => request(Method::DELETE, &format!("/v2/files/{id}?purge={purge}")),
            Action::Link => request(Method::POST, &format!("/v1/files/{id}/public/links")),
            Action::Revoke(url) => request(Method::DELETE, &format!("/v1/files/public/links/{}", link_id(url))),
        }
    }

    /// Reads the file, and takes the outcome that it shows.
    async fn compare(&mut self, file: usize, done: &[Done]) -> Result<(), TestCaseError> {
        let (id, before) = self.files[file].clone();
        let possible = outcomes(&before, done);
        let (seen, url) = self.look(file).await;
        let Some(now) = possible.iter().find(|outcome| shown(outcome) == seen) else {
            let possible: Vec<_> = possible.iter().map(shown).collect();
            let problem = format!("file {id} was {before:?}\ndone: {done:?}\nit can be {possible:?}\nit is {seen}");
            return Err(TestCaseError::fail(problem));
        };
        let now = now.clone();
        self.files[file].1 = now.clone();
        self.compare_bytes(&id, &now, &url).await?;
        self.compare_links(file, &now).await
    }

    /// What the two callers see of it, and its plain URL.
    async fn look(&self, file: usize) -> (Value, Value) {
        let (id, File { owner, .. }) = &self.files[file];
        let path = format!("/v2/files/{id}");
        let get = async |caller: usize| Reply::of(self.stack.request(self.token(caller), Method::GET, &path)).await;
        let (own, other) = tokio::join!(get(*owner), get((owner + 1) % CALLERS));
        let statuses = [own.status, other.status];
        if own.status != 200 {
            return (json!({ "statuses": statuses }), Value::Null);
        }
        let newest_first = own.body["versions"].as_array().cloned().unwrap_or_default();
        let upload = |version: &Value| text(&version["s3ref"]["key"]).split('/').nth(1).unwrap().to_owned();
        let versions: Vec<_> = newest_first.iter().rev().map(upload).collect();
        let seen = json!({
            "statuses": statuses,
            "versions": versions,
            "name": own.body["filename"],
            "access": own.body["access_control"],
            "acl": own.body["_acl"],
        });
        (seen, own.body["public_url"].clone())
    }

    /// What is downloaded is the newest version, and everybody has it if and only if it is public.
    async fn compare_bytes(&self, id: &str, now: &File, url: &Value) -> Result<(), TestCaseError> {
        if now.stage != Stage::Saved {
            return Ok(());
        }
        let (_, bytes, _) = &self.uploads[now.versions.last().unwrap()];
        let path = format!("/v1/files/{id}/download");
        let reply = Reply::of(self.stack.request(self.token(now.owner), Method::GET, &path)).await.expect(200);
        let downloaded = self.stack.http.get(text(&reply["download_url"])).send().await.unwrap().text().await.unwrap();
        if downloaded != *bytes {
            return Err(TestCaseError::fail(format!("file {id} has {downloaded:?}, not {bytes:?}")));
        }
        if now.is_public {
            eventually("a public file is open", async || self.stack.anonymous_status(url).await == 200).await;
        } else if self.stack.anonymous_status(url).await == 200 {
            return Err(TestCaseError::fail(format!("file {id} is private, and everybody can read it")));
        }
        Ok(())
    }

    /// Its links lead to it, and those that were revoked lead nowhere.
    async fn compare_links(&self, file: usize, now: &File) -> Result<(), TestCaseError> {
        for (_, url) in self.links.iter().filter(|(of, _)| *of == file) {
            let status = self.stack.visit(url).await.status().as_u16();
            let expected = if now.links.contains(url) { 302 } else { 404 };
            if status != expected {
                return Err(TestCaseError::fail(format!("link {url} answers {status}, not {expected}")));
            }
        }
        Ok(())
    }

    async fn clean_up(&self) {
        for (id, file) in self.files.iter().filter(|(_, file)| file.stage == Stage::Saved) {
            let path = format!("/v1/files/{id}");
            Reply::of(self.stack.request(self.token(file.owner), Method::DELETE, &path)).await.expect(200);
        }
    }

    fn token(&self, caller: usize) -> &str {
        if caller == 0 { &self.stack.token } else { &self.stack.other_token }
    }
}

/// What [`Game::look`] sees of a file.
fn shown(file: &File) -> Value {
    let statuses =
        [file.owner, (file.owner + 1) % CALLERS].map(|caller| if file.is_seen_by(caller) { 200 } else { 404 });
    if file.stage != Stage::Saved {
        return json!({ "statuses": statuses });
    }
    json!({
        "statuses": statuses,
        "versions": file.versions,
        "name": file.name,
        "access": if file.is_public { "public-read" } else { "private" },
        "acl": acl(file.owner, file.rights),
    })
}

/// The access control list that gives the other organisation these rights.
fn acl(owner: usize, rights: Rights) -> Value {
    let organisations = ["org:123", "org:456"];
    let (own, other) = (organisations[owner], organisations[(owner + 1) % CALLERS]);
    let list = |right| if rights == right { json!([own, other]) } else { json!([own]) };
    json!({ "view": list(Rights::View), "edit": list(Rights::Edit), "delete": list(Rights::Delete) })
}
