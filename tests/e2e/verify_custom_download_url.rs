//! `verifyCustomDownloadUrl`, and the custom download URLs that it is for.

use crate::stack::{Reply, Stack, text};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use url::Url;

const PATH: &str = "/v1/files/download:verify";

type Pairs = Vec<(String, String)>;

impl Stack {
    /// Whether the API says to this caller that the URL is valid.
    pub async fn is_valid(&self, token: &str, url: &str) -> bool {
        let request = self.request(token, Method::POST, PATH).json(&json!({ "custom_download_url": url }));
        let reply = Reply::of(request).await.expect(200);
        assert_eq!(reply.as_object().unwrap().len(), 1, "{reply}");
        reply["valid"].as_bool().unwrap()
    }

    /// A file that is kept at this URL, and the URL that a download of it gives.
    async fn custom_download(&self, url: &str) -> (Value, String) {
        let file = self.saved("a.txt", b"1").await;
        self.keep_elsewhere(&file, url).await;
        let download = self.get(&format!("/v1/files/{}/download", text(&file["_id"]))).await.expect(200);
        (file, text(&download["download_url"]).to_owned())
    }
}

#[tokio::test]
async fn a_download_of_a_file_kept_elsewhere_gives_its_url_signed_for_15_minutes() {
    let stack = Stack::new();
    let now = || time::OffsetDateTime::now_utc().unix_timestamp() * 1_000;
    let before = now();
    let (file, url) = stack.custom_download("https://files.example/a%20b?name=%C3%BC&x=1&x=2#part").await;
    let (custom, added) = url.split_once("&expires_at=").unwrap();
    assert_eq!(custom, "https://files.example/a%20b?name=%C3%BC&x=1&x=2");
    let (expires_at, _) = added.split_once("&signature=").unwrap();
    let made_at = expires_at.parse::<i64>().unwrap() - 900_000;
    assert!((before..now() + 1_000).contains(&made_at), "{made_at}");
    assert!(stack.is_valid(&stack.token, &url).await);
    stack.get(&format!("/v1/files/{}/download?version=1", text(&file["_id"]))).await.error(404);
}

#[tokio::test]
async fn a_signed_url_is_valid_in_any_order_of_its_parameters_and_not_if_one_is_changed() {
    let stack = Stack::new();
    let (_, signed) = stack.custom_download("https://files.example/a?id=7&name=x").await;
    let with = |change: &dyn Fn(&mut Pairs)| {
        let mut url = Url::parse(&signed).unwrap();
        let mut pairs: Pairs = url.query_pairs().into_owned().collect();
        change(&mut pairs);
        url.query_pairs_mut().clear().extend_pairs(pairs);
        String::from(url)
    };
    assert!(stack.is_valid(&stack.token, &with(&|pairs| pairs.reverse())).await);
    for (why, url) in [
        ("added", with(&|pairs| pairs.push(("x".into(), String::new())))),
        ("removed", with(&|pairs| drop(pairs.remove(0)))),
        ("changed", with(&|pairs| pairs[0].1 = "8".into())),
        ("twice", with(&|pairs| pairs.push(pairs[0].clone()))),
        ("another path", signed.replace("/a?", "/b?")),
        ("another host", signed.replace("files.", "other.")),
        ("another scheme", signed.replace("https:", "http:")),
        ("a later expiry", with(&|pairs| pairs[2].1 = "9999999999999".into())),
        ("not signed", with(&|pairs| pairs.truncate(3))),
        ("no expiry", with(&|pairs| drop(pairs.remove(2)))),
        ("two signatures", with(&|pairs| pairs.push(pairs[3].clone()))),
    ] {
        assert!(!stack.is_valid(&stack.token, &url).await, "{why}: {url}");
    }
}

#[tokio::test]
async fn a_url_is_for_the_organisation_that_the_file_belongs_to_whoever_downloads_it() {
    let stack = Stack::new();
    let (file, own) = stack.custom_download("https://files.example/a").await;
    stack.save(&json!({ "_id": file["_id"], "_acl": { "view": ["org:456"] } })).await;
    let path = format!("/v1/files/{}/download", text(&file["_id"]));
    let shared = Reply::of(stack.request(&stack.other_token, Method::GET, &path)).await.expect(200);
    for url in [own.as_str(), text(&shared["download_url"])] {
        assert!(stack.is_valid(&stack.token, url).await);
        assert!(!stack.is_valid(&stack.other_token, url).await);
    }
}

#[tokio::test]
async fn what_is_no_signed_url_is_not_valid_and_no_error() {
    let stack = Stack::new();
    let unknown_key = format!("{}.{}", uuid::Uuid::new_v4(), "A".repeat(43));
    let end = format!("expires_at=9999999999999&signature={unknown_key}");
    let long = format!("https://files.example/?x={}&{end}", "x".repeat(5_000));
    for url in [
        "no url",
        "//files.example/a",
        "javascript:alert(1)",
        "https://files.example/a",
        &format!("https://files.example/a?{end}"),
        &format!("https://files.example/a?{end}%00"),
        &long,
    ] {
        assert!(!stack.is_valid(&stack.token, url).await, "{url:.80}");
    }
}

#[tokio::test]
async fn a_body_without_a_url_is_a_400() {
    let stack = Stack::new();
    for bad in [
        json!({}),
        json!({ "custom_download_url": "" }),
        json!({ "custom_download_url": null }),
        json!({ "custom_download_url": 7 }),
        json!({ "custom_download_url": ["https://files.example/a"] }),
    ] {
        assert!(stack.post(PATH, &bad).await.error(400).contains("custom_download_url"), "{bad}");
    }
    for bad in [json!([]), json!("https://files.example/a"), json!(null)] {
        stack.post(PATH, &bad).await.error(400);
    }
}

/// As whoever had the text of a version of the secret would sign.
fn signed_with(version: &str, key: &str, expires_at: i64) -> String {
    let url = format!("https://files.example/a?expires_at={expires_at}&id=7");
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(format!("123\n{url}").as_bytes());
    format!("{url}&signature={version}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// Gives the label of the key before the current one, which other tests sign with, to another version. Returns whose it
/// was.
async fn move_previous(stack: &Stack, to: Option<String>) -> Option<String> {
    let secret = stack.secrets.describe_secret().secret_id(&stack.url_signing_secret).send().await.unwrap();
    let versions = secret.version_ids_to_stages.unwrap();
    let from = versions.into_iter().find(|(_, labels)| labels.iter().any(|label| label == "AWSPREVIOUS"));
    let from = from.map(|(version, _)| version);
    let update = stack.secrets.update_secret_version_stage().secret_id(&stack.url_signing_secret);
    let update = update.version_stage("AWSPREVIOUS").set_remove_from_version_id(from.clone());
    update.set_move_to_version_id(to).send().await.unwrap();
    from
}

#[tokio::test]
async fn the_key_before_the_current_one_counts_and_any_other_does_not() {
    let stack = Stack::new();
    let soon = time::OffsetDateTime::now_utc().unix_timestamp() * 1_000 + 600_000;
    let put = async |label: &str| {
        let put = stack.secrets.put_secret_value().secret_id(&stack.url_signing_secret).secret_string("a key");
        put.version_stages(label).send().await.unwrap().version_id.unwrap()
    };
    // A version that does not count is remembered as such.
    let (other, version) = (put("other").await, put("test").await);
    assert!(!stack.is_valid(&stack.token, &signed_with(&other, "a key", soon)).await);

    let url = signed_with(&version, "a key", soon);
    let previous = move_previous(&stack, Some(version.clone())).await;
    let is_valid = stack.is_valid(&stack.token, &url).await;
    move_previous(&stack, previous).await;
    assert!(is_valid);
    assert!(!stack.is_valid(&stack.token, &signed_with(&version, "a key", soon - 601_000)).await, "expired");
    assert!(!stack.is_valid(&stack.token, &signed_with(&version, "another key", soon)).await);
}
