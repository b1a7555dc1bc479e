//! What is promised of one file.

use std::collections::BTreeSet;

/// The two organisations.
pub const CALLERS: usize = 2;

/// What the organisation that does not own the file may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    None,
    View,
    Edit,
    Delete,
}

/// A file, or what will be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The upload that it is made of first, which gives it its id.
    pub own_upload: String,
    pub owner: usize,
    pub stage: Stage,
    /// The ids of the uploads that are its versions, oldest first.
    pub versions: Vec<String>,
    pub name: String,
    pub is_public: bool,
    pub rights: Rights,
    /// URLs.
    pub links: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its upload is there.
    Uploaded,
    Saved,
    Deleted,
}

/// What is asked of a file.
#[derive(Clone, Debug)]
pub enum Action {
    /// The upload becomes the file, or its newest version.
    Save {
        upload: String,
        is_public: bool,
    },
    Name(String),
    Open(bool),
    Share(Rights),
    Delete {
        purge: bool,
    },
    Link,
    Revoke(String),
}

/// The name of every upload.
pub const UPLOADED_AS: &str = "a.txt";

impl File {
    pub fn uploaded(own_upload: String, owner: usize) -> Self {
        Self {
            own_upload,
            owner,
            stage: Stage::Uploaded,
            versions: Vec::new(),
            name: UPLOADED_AS.to_owned(),
            is_public: false,
            rights: Rights::None,
            links: BTreeSet::new(),
        }
    }

    /// Whether a caller sees it.
    pub fn is_seen_by(&self, caller: usize) -> bool {
        self.stage == Stage::Saved && (caller == self.owner || self.rights != Rights::None)
    }

    /// What the file becomes, and how the caller is answered; a new link has this URL.
    pub fn after(&self, caller: usize, action: &Action, link: &str) -> (Self, u16) {
        let mut file = self.clone();
        let is_owner = caller == self.owner;
        let may_edit = self.stage == Stage::Saved && (is_owner || self.rights == Rights::Edit);
        let may_delete = self.stage == Stage::Saved && (is_owner || self.rights == Rights::Delete);
        let status = match action {
            Action::Save { upload, is_public } if self.stage == Stage::Uploaded && *upload == self.own_upload => {
                file.stage = Stage::Saved;
                file.versions.push(upload.clone());
                file.is_public = *is_public;
                200
            }
            Action::Delete { .. } if may_delete => {
                file.stage = Stage::Deleted;
                file.links.clear();
                200
            }
            Action::Delete { .. } => 404,
            _ if !may_edit => 404,
            Action::Save { upload, .. } => {
                if !self.versions.contains(upload) {
                    file.versions.push(upload.clone());
                    UPLOADED_AS.clone_into(&mut file.name);
                }
                200
            }
            Action::Name(name) => {
                file.name.clone_from(name);
                200
            }
            // Whoever may edit a file of another organisation may not share it.
            Action::Open(is_public) if !is_owner && *is_public != self.is_public => 403,
            Action::Share(rights) if !is_owner && *rights != self.rights => 403,
            Action::Open(is_public) => {
                file.is_public = *is_public;
                200
            }
            Action::Share(rights) => {
                file.rights = *rights;
                200
            }
            Action::Link => {
                file.links.insert(link.to_owned());
                201
            }
            Action::Revoke(link) => {
                if file.links.remove(link) {
                    204
                } else {
                    404
                }
            }
        };
        (file, status)
    }
}

/// Something that was done, and how it was answered.
#[derive(Clone, Debug)]
pub struct Done {
    pub caller: usize,
    pub action: Action,
    pub status: u16,
    /// The URL of a new link.
    pub link: String,
}

/// What a file can be after all this was done at once: the outcomes of all orders that explain every answer.
pub fn outcomes(file: &File, done: &[Done]) -> Vec<File> {
    if done.is_empty() {
        return vec![file.clone()];
    }
    let mut found: Vec<File> = Vec::new();
    for first in 0..done.len() {
        let Done { caller, action, status, link } = &done[first];
        let (next, expected) = file.after(*caller, action, link);
        if expected != *status {
            continue;
        }
        let rest = [&done[..first], &done[first + 1..]].concat();
        for outcome in outcomes(&next, &rest) {
            if !found.contains(&outcome) {
                found.push(outcome);
            }
        }
    }
    found
}
