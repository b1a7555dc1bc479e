use super::*;
use crate::fixtures::{FILE_ID, org, secretsmanager};
use aws_sdk_secretsmanager::{
    operation::get_secret_value::GetSecretValueOutput,
    types::error::{InternalServiceError, ResourceNotFoundException},
};
use aws_smithy_mocks::{Rule, mock};
use std::sync::{Arc, Mutex as SyncMutex};

/// The versions of a secret, the current one last; and which were asked for, by id or as the current one.
#[derive(Clone, Default)]
struct Secret {
    versions: Arc<SyncMutex<Vec<Uuid>>>,
    asked: Arc<SyncMutex<Vec<Option<Uuid>>>>,
}

impl Secret {
    fn new() -> Self {
        let secret = Self::default();
        secret.rotate();
        secret
    }

    fn rotate(&self) {
        self.versions.lock().unwrap().push(Uuid::new_v4());
    }

    /// How often it was asked for its current version, and how often for one by its id.
    fn asked(&self) -> (usize, usize) {
        let asked = self.asked.lock().unwrap();
        let current = asked.iter().filter(|version| version.is_none()).count();
        (current, asked.len() - current)
    }

    fn find(&self, wanted: Option<&str>) -> Option<GetSecretValueOutput> {
        let versions = self.versions.lock().unwrap();
        let wanted = wanted.map(|id| id.parse().unwrap());
        self.asked.lock().unwrap().push(wanted);
        let index = wanted.map_or(Some(versions.len() - 1), |id| versions.iter().position(|version| *version == id))?;
        let labels = ["AWSCURRENT", "AWSPREVIOUS"].get(versions.len() - 1 - index);
        let value = GetSecretValueOutput::builder()
            .version_id(versions[index].to_string())
            .secret_string(format!("key of {}", versions[index]))
            .set_version_stages(Some(labels.iter().map(|label| (**label).to_owned()).collect()));
        Some(value.build())
    }

    /// A new process.
    fn signer(&self) -> UrlSigner {
        let (secret, no_secret) = (self.clone(), self.clone());
        let wanted = |version: Option<&str>| version.map(str::to_owned);
        let known = mock!(Client::get_secret_value)
            .match_requests(move |get| no_secret.knows(wanted(get.version_id()).as_deref()))
            .then_compute_output(move |get| secret.find(get.version_id()).unwrap());
        let asked = self.clone();
        let unknown = mock!(Client::get_secret_value).then_error(move || {
            asked.asked.lock().unwrap().push(Some(Uuid::nil()));
            GetSecretValueError::ResourceNotFoundException(ResourceNotFoundException::builder().build())
        });
        UrlSigner::with_client(secretsmanager(&[&known, &unknown]), "secret")
    }

    fn knows(&self, version: Option<&str>) -> bool {
        let versions = self.versions.lock().unwrap();
        version.is_none_or(|id| versions.iter().any(|version| version.to_string() == id))
    }
}

impl UrlSigner {
    /// As if the keys had been fetched that much earlier.
    async fn grow_older(&self, by: Duration) {
        for answer in self.answers.lock().await.values_mut() {
            answer.fetched = answer.fetched.checked_sub(by).unwrap();
        }
    }

    async fn signed(&self, url: &str) -> String {
        self.sign(&org("123"), &CustomUrl::try_from(url.to_owned()).unwrap()).await.unwrap()
    }

    async fn accepts(&self, url: &str) -> bool {
        self.verify(&org("123"), url).await.unwrap()
    }
}

fn parameter(url: &str, name: &str) -> String {
    Url::parse(url).unwrap().query_pairs().find(|pair| pair.0 == name).unwrap().1.into_owned()
}

/// The URL with other parameters.
fn with_parameters(url: &str, change: impl Fn(&mut Vec<(String, String)>)) -> String {
    let mut url = Url::parse(url).unwrap();
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    change(&mut pairs);
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url.into()
}

const URL: &str = "https://files.example/a%20b/c?id=7&name=x%26y&flag&id=8";

#[tokio::test]
async fn a_signed_url_is_the_custom_url_with_an_expiry_in_15_minutes_and_a_signature() {
    let signer = Secret::new().signer();
    for url in [URL, "https://files.example", "http://localhost:1234/?", "https://files.example/%C3%BC?q=%FF+%2B"] {
        let good = signer.signed(&format!("{url}#part")).await;
        let (before, added) = good.split_once("expires_at=").unwrap();
        assert_eq!(before.trim_end_matches(['?', '&', '/']), url.trim_end_matches(['?', '/']));
        assert_eq!(added.split(['=', '&']).nth(1), Some("signature"));
        let lifetime = parameter(&good, "expires_at").parse::<i128>().unwrap() - now();
        assert!((890_000..=900_000).contains(&lifetime), "{lifetime}");
        assert!(signer.accepts(&good).await, "{good}");
    }
}

#[tokio::test]
async fn the_order_of_the_parameters_and_their_spelling_do_not_count() {
    let signer = Secret::new().signer();
    let good = signer.signed(URL).await;
    let reversed = with_parameters(&good, |pairs| pairs.reverse());
    let respelled = good.replace("x%26y", "%78%26y").replace("&flag&", "&&flag=&").replace("https://f", "HTTPS://F");
    let with_fragment = format!("{good}#part");
    for same in [reversed, respelled, with_fragment, good.replace("/a%20b/", ":443/x/../a%20b/")] {
        assert!(same != good && signer.accepts(&same).await, "{same}");
    }
}

#[tokio::test]
async fn whatever_is_changed_about_a_signed_url_it_is_not_valid() {
    let signer = Secret::new().signer();
    let good = signer.signed(URL).await;
    let expires_at = parameter(&good, "expires_at");
    let later = (expires_at.parse::<i128>().unwrap() + 1).to_string();
    let signature = parameter(&good, "signature");
    let (version, mac) = signature.split_once('.').unwrap();
    let other_mac: String = mac.chars().rev().collect();
    let drop = |name: &str| with_parameters(&good, |pairs| pairs.retain(|pair| pair.0 != name));
    let add = |name: &str, value: &str| with_parameters(&good, |pairs| pairs.push((name.into(), value.into())));
    for (why, url) in [
        ("a parameter more", add("x", "")),
        ("a parameter twice", add("flag", "")),
        ("a parameter less", drop("flag")),
        ("values that changed places", good.replace("id=7&name=x%26y", "id=x%26y&name=7")),
        ("another value", good.replace("id=7", "id=9")),
        ("another case", good.replace("name=x", "name=X")),
        ("another name", good.replace("name=x", "nome=x")),
        ("a value that is two", good.replace("x%26y", "x&y")),
        ("another scheme", good.replace("https:", "http:")),
        ("another host", good.replace("files.", "other.")),
        ("another port", good.replace(".example/", ".example:8443/")),
        ("another path", good.replace("/c?", "/d?")),
        ("a longer path", good.replace("/c?", "/c/?")),
        ("a user", good.replace("https://", "https://user@")),
        ("a later expiry", good.replace(&expires_at, &later)),
        ("no expiry", drop("expires_at")),
        ("two expiries", add("expires_at", &expires_at)),
        ("no signature", drop("signature")),
        ("two signatures", add("signature", &signature)),
        ("an empty signature", good.replace(&signature, "")),
        ("another signature", good.replace(mac, &other_mac)),
        ("a shorter signature", good.replace(mac, &mac[..40])),
        ("an empty mac", good.replace(mac, "")),
        ("no version", good.replace(&signature, mac)),
        ("another version", good.replace(version, "4ffdc191-f32c-404a-8520-c403b7408afa")),
        ("a version in another spelling", good.replace(version, &version.replace('-', ""))),
        ("a version that is none", good.replace(version, "AWSCURRENT")),
    ] {
        assert_ne!(url, good, "{why}");
        assert!(!signer.accepts(&url).await, "{why}: {url}");
    }
    assert!(signer.accepts(&good).await);
}

#[tokio::test]
async fn values_that_are_no_text_are_told_apart() {
    let signer = Secret::new().signer();
    let good = signer.signed("https://files.example/?id=%FF").await;
    assert!(signer.accepts(&good).await);
    assert!(!signer.accepts(&good.replace("%FF", "%FE")).await);
}

#[tokio::test]
async fn what_is_no_signed_url_is_not_valid_and_costs_no_call() {
    let secret = Secret::new();
    let signer = secret.signer();
    let end = format!("expires_at=9999999999999&signature={}.{}", Uuid::new_v4(), "A".repeat(43));
    let long = format!("https://files.example/?x={}&{end}", "x".repeat(MAX_BYTES));
    for none in ["", "no url", "//files.example", "https://", "https://files.example/", &format!("?{end}"), &long] {
        assert!(!signer.accepts(none).await, "{none:.80}");
    }
    assert_eq!(secret.asked(), (0, 0));
}

#[tokio::test]
async fn another_organisations_url_is_not_valid() {
    let signer = Secret::new().signer();
    let good = signer.signed(URL).await;
    assert!(!signer.verify(&org("456"), &good).await.unwrap());
}

#[tokio::test]
async fn a_url_is_valid_until_it_expires() {
    let secret = Secret::new();
    let signer = secret.signer();
    let key = signer.key(Wanted::Current).await.unwrap().unwrap();
    let expiring = |expires_at: i128| {
        let url = Url::parse(&format!("{URL}&expires_at={expires_at}")).unwrap();
        let mac = key.mac(&org("123"), &canonical(&url)).unwrap().finalize().into_bytes();
        format!("{url}&signature={}.{}", key.version, BASE64_URL_SAFE_NO_PAD.encode(mac))
    };
    assert!(signer.accepts(&expiring(now() + 60_000)).await);
    assert!(!signer.accepts(&expiring(now())).await);
    assert!(!signer.accepts(&expiring(0)).await);
}

#[tokio::test]
async fn a_key_is_fetched_once_in_5_minutes() {
    let secret = Secret::new();
    let signer = secret.signer();
    let urls = [signer.signed(URL).await, signer.signed(URL).await];
    for url in &urls {
        assert!(signer.accepts(url).await);
    }
    assert_eq!(secret.asked(), (1, 1));
    signer.grow_older(Duration::from_mins(3)).await;
    assert!(signer.accepts(&signer.signed(URL).await).await);
    assert_eq!(secret.asked(), (1, 1));
    signer.grow_older(MAX_KEY_AGE).await;
    assert!(signer.accepts(&signer.signed(URL).await).await);
    assert_eq!(secret.asked(), (2, 2));
}

#[tokio::test]
async fn a_made_up_version_is_asked_for_once_in_5_minutes() {
    let secret = Secret::new();
    let signer = secret.signer();
    let good = signer.signed(URL).await;
    let made_up = good.replace(&parameter(&good, "signature")[..36], FILE_ID);
    for _ in 0..3 {
        assert!(!signer.accepts(&made_up).await);
    }
    assert_eq!(secret.asked(), (1, 1));
    signer.grow_older(MAX_KEY_AGE).await;
    assert!(!signer.accepts(&made_up).await);
    assert_eq!(secret.asked(), (1, 2));
}

#[tokio::test]
async fn many_made_up_versions_take_no_more_memory_and_no_keys_place() {
    let secret = Secret::new();
    let signer = secret.signer();
    assert!(signer.accepts(&signer.signed(URL).await).await);
    for _ in 0..MAX_ANSWERS * 2 {
        assert!(signer.key(Wanted::Version(Uuid::new_v4())).await.unwrap().is_none());
    }
    assert!(signer.answers.lock().await.len() <= MAX_ANSWERS);
    let asked = secret.asked();
    assert!(signer.accepts(&signer.signed(URL).await).await);
    assert_eq!(secret.asked(), asked);
}

#[tokio::test]
async fn urls_that_are_out_survive_one_new_key_and_not_a_second() {
    let secret = Secret::new();
    let signer = secret.signer();
    let first = signer.signed(URL).await;
    secret.rotate();
    assert!(secret.signer().accepts(&first).await);
    // Whoever has the old key at hand goes on with it, for a while.
    assert!(secret.signer().accepts(&signer.signed(URL).await).await);
    signer.grow_older(MAX_KEY_AGE).await;
    let second = signer.signed(URL).await;
    assert_ne!(parameter(&first, "signature")[..36], parameter(&second, "signature")[..36]);
    secret.rotate();
    assert!(!secret.signer().accepts(&first).await);
    assert!(secret.signer().accepts(&second).await);
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_an_error() {
    let down: Rule = mock!(Client::get_secret_value).then_error(|| {
        GetSecretValueError::InternalServiceError(InternalServiceError::builder().message("down").build())
    });
    let signer = UrlSigner::with_client(secretsmanager(&[&down]), "secret");
    let good = Secret::new().signer().signed(URL).await;
    assert_eq!(signer.verify(&org("123"), &good).await.unwrap_err().status(), 500);
    let url = CustomUrl::try_from(URL.to_owned()).unwrap();
    assert_eq!(signer.sign(&org("123"), &url).await.unwrap_err().status(), 500);
}
