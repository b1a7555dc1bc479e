//! What several tests need: clients that answer as told, a file, and tokens.

use crate::{
    acl::Acl,
    auth::Caller,
    file::{AccessControl, File, Meta, Version},
    file_type::{FileType, MimeType},
    filename::Filename,
    log::Lines,
    metadata::IndexTag,
    object_key::{FileId, ObjectKey, OrgId, SavedKey, TempKey},
    object_store::ObjectStore,
    public_link::PublicLink,
};
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    operation::{
        batch_write_item::BatchWriteItemOutput, put_item::PutItemOutput, transact_write_items::TransactWriteItemsOutput,
    },
    types::{AttributeValue, TransactWriteItem, WriteRequest},
};
use aws_smithy_mocks::{MockResponseInterceptor, Rule, RuleMode, create_mock_http_client, mock};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::{body::SdkBody, retry::RetryConfig};
use aws_types::region::Region;
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// A client's configuration. `mock_client!` wants a feature of the SDKs that would have them compiled a second time.
macro_rules! config {
    ($sdk:ident) => {
        $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
            .region(Region::new("eu-central-1"))
            .retry_config(RetryConfig::disabled())
    };
}

fn s3_config() -> aws_sdk_s3::config::Builder {
    config!(aws_sdk_s3)
}

pub(crate) fn s3(rules: &[&Rule]) -> aws_sdk_s3::Client {
    let config = s3_config().http_client(create_mock_http_client()).interceptor(answers(rules));
    aws_sdk_s3::Client::from_conf(config.build())
}

/// A bucket that answers as told.
pub(crate) fn store(rules: &[&Rule]) -> ObjectStore {
    ObjectStore::with_client(s3(rules), "bucket")
}

pub(crate) fn temp_key() -> TempKey {
    TempKey::new(org("123"), &filename("Größe.pdf"))
}

pub(crate) fn dynamodb(rules: &[&Rule]) -> aws_sdk_dynamodb::Client {
    let config = config!(aws_sdk_dynamodb).http_client(create_mock_http_client()).interceptor(answers(rules));
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

pub(crate) fn secretsmanager(rules: &[&Rule]) -> aws_sdk_secretsmanager::Client {
    let config = config!(aws_sdk_secretsmanager).http_client(create_mock_http_client()).interceptor(answers(rules));
    aws_sdk_secretsmanager::Client::from_conf(config.build())
}

fn answers(rules: &[&Rule]) -> MockResponseInterceptor {
    let none = MockResponseInterceptor::new().rule_mode(RuleMode::MatchAny);
    rules.iter().fold(none, |answers, rule| answers.with_rule(rule))
}

/// An answer of S3 as it comes over the wire: an error if it has a code.
pub(crate) fn s3_answer(status: u16, error_code: Option<&str>) -> HttpResponse {
    let body = error_code.map(|code| format!("<Error><Code>{code}</Code><Message>words</Message></Error>"));
    HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body.unwrap_or_default()))
}

/// An S3 that answers the last part first, and the body that it was asked to complete with.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastPartFirst(Arc<Mutex<String>>);

impl LastPartFirst {
    pub(crate) fn store() -> (ObjectStore, Self) {
        let s3 = Self::default();
        let connector = SharedHttpConnector::new(s3.clone());
        let config = s3_config().http_client(http_client_fn(move |_, _| connector.clone())).build();
        (ObjectStore::with_client(aws_sdk_s3::Client::from_conf(config), "bucket"), s3)
    }

    /// Whether it was asked to put this many parts together in order.
    pub(crate) fn completed_in_order(&self, parts: usize) -> bool {
        let body = self.0.lock().unwrap();
        let places: Option<Vec<_>> = (1..=parts).map(|number| body.find(&format!("<ETag>e{number}</ETag>"))).collect();
        places.is_some_and(|places| places.is_sorted())
    }
}

impl HttpConnector for LastPartFirst {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some((_, query)) = request.uri().split_once('?') else {
            // Nothing is there yet.
            return HttpConnectorFuture::ready(Ok(HttpResponse::new(404.try_into().unwrap(), SdkBody::empty())));
        };
        let query = query.to_owned();
        let part = query.split('&').find_map(|pair| pair.strip_prefix("partNumber=")?.parse::<u32>().ok());
        let body = match part {
            Some(number) => format!("<CopyPartResult><ETag>e{number}</ETag></CopyPartResult>"),
            None if query.contains("uploads") => {
                "<R><UploadId>u</UploadId></R>".replace('R', "InitiateMultipartUploadResult")
            }
            None => {
                *self.0.lock().unwrap() = String::from_utf8_lossy(request.body().bytes().unwrap()).into_owned();
                "<CompleteMultipartUploadResult/>".to_owned()
            }
        };
        HttpConnectorFuture::new(async move {
            for _ in part.unwrap_or(16)..16 {
                tokio::task::yield_now().await;
            }
            let mut response = HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body));
            if let Some(number) = part {
                response.headers_mut().insert("etag", format!("e{number}"));
            }
            Ok(response)
        })
    }
}

pub(crate) const FILE_ID: &str = "4ffdc191-f32c-404a-8520-c403b7408afa";

pub(crate) fn file_id() -> FileId {
    FILE_ID.parse().unwrap()
}

pub(crate) fn org(id: &str) -> OrgId {
    id.parse().unwrap()
}

pub(crate) fn caller(id: &str) -> Caller {
    Caller { org: org(id), user: Some("ann".into()), is_admin: false, expires_at: 4_102_444_800 }
}

pub(crate) fn filename(name: &str) -> Filename {
    Filename::try_from(name.to_owned()).unwrap()
}

/// The key of organisation 123's upload with this number.
pub(crate) fn saved_key(upload: u32) -> SavedKey {
    match format!("123/00000000-0000-4000-8000-{upload:012}/a.pdf").parse() {
        Ok(ObjectKey::Saved(key)) => key,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn version(number: u32) -> Version {
    Version {
        number,
        object_key: saved_key(number),
        filename: filename("a.pdf"),
        size_bytes: 3,
        mime_type: MimeType::try_from("application/pdf".to_owned()).unwrap(),
        index_tag: Some(IndexTag::try_from("blue sky".to_owned()).unwrap()),
    }
}

/// A private file of organisation 123 with one version.
pub(crate) fn file() -> File {
    let meta = Meta {
        id: file_id(),
        org: org("123"),
        user: None,
        revision: 1,
        created_at: "2026-01-01T00:00:00Z".into(),
        updated_at: "2026-01-01T00:00:00Z".into(),
        filename: filename("a.pdf"),
        mime_type: MimeType::try_from("application/pdf".to_owned()).unwrap(),
        file_type: FileType::Document,
        access_control: AccessControl::Private,
        closing: None,
        acl: Acl::of(&org("123")),
        current: Some(version(1)),
        custom_download_url: None,
        source_url: None,
        relations: Vec::new(),
        attributes: "{}".into(),
        deleted_at: None,
        expires_at: None,
    };
    File { meta, versions: vec![version(1)] }
}

/// A link to the file: this number is in its id, and the second that it was made in.
pub(crate) fn link(number: u32) -> PublicLink {
    let id = format!("00000000-0000-4000-8000-{number:012}").parse().unwrap();
    let created_at = format!("2026-01-01T00:{:02}:{:02}.000Z", number / 60, number % 60);
    PublicLink { id, file_id: file_id(), filename: filename("a ü.pdf"), created_at, last_accessed_at: None }
}

/// A file's items as a query has them: `META`, and then superseded versions, newest first.
pub(crate) fn items(file: &File) -> Vec<HashMap<String, AttributeValue>> {
    let superseded = file.versions.iter().filter(|version| Some(*version) != file.meta.current.as_ref());
    let superseded = superseded.map(|version| keyed(&format!("HISTORY#{:08}", version.number), version));
    [keyed("META", &file.meta)].into_iter().chain(superseded).collect()
}

/// A file with this many versions.
pub(crate) fn file_with_versions(count: u32) -> File {
    let mut file = file();
    file.meta.current = Some(version(count));
    file.versions = (1..=count).rev().map(version).collect();
    file
}

/// A table that takes every write by itself, in a transaction and in a batch, and what it took.
pub(crate) fn takes_all() -> ([Rule; 3], Taken) {
    let taken = Taken::default();
    let [puts, transactions, batches] = [taken.clone(), taken.clone(), taken.clone()];
    let rules = [
        mock!(aws_sdk_dynamodb::Client::put_item).then_compute_output(move |put| {
            let action = aws_sdk_dynamodb::types::Put::builder()
                .table_name("files")
                .set_item(put.item().cloned())
                .set_condition_expression(put.condition_expression().map(str::to_owned))
                .set_expression_attribute_values(put.expression_attribute_values().cloned());
            puts.note(vec![TransactWriteItem::builder().put(action.build().unwrap()).build()]);
            PutItemOutput::builder().build()
        }),
        mock!(aws_sdk_dynamodb::Client::transact_write_items).then_compute_output(move |transaction| {
            transactions.note(transaction.transact_items().to_vec());
            TransactWriteItemsOutput::builder().build()
        }),
        mock!(aws_sdk_dynamodb::Client::batch_write_item).then_compute_output(move |batch| {
            let writes = batch.request_items().unwrap()["files"].iter();
            batches.note(writes.map(as_action).collect());
            BatchWriteItemOutput::builder().build()
        }),
    ];
    (rules, taken)
}

fn as_action(write: &WriteRequest) -> TransactWriteItem {
    match (write.put_request(), write.delete_request()) {
        (Some(put), _) => {
            let put = aws_sdk_dynamodb::types::Put::builder().table_name("files").set_item(Some(put.item().clone()));
            TransactWriteItem::builder().put(put.build().unwrap()).build()
        }
        (_, Some(deleted)) => {
            let delete = aws_sdk_dynamodb::types::Delete::builder().table_name("files");
            let delete = delete.set_key(Some(deleted.key().clone())).build().unwrap();
            TransactWriteItem::builder().delete(delete).build()
        }
        _ => panic!("neither a put nor a delete"),
    }
}

/// Writes in the order in which they came, each with its actions.
#[derive(Clone, Default)]
pub(crate) struct Taken(Arc<Mutex<Vec<Vec<TransactWriteItem>>>>);

impl Taken {
    fn note(&self, actions: Vec<TransactWriteItem>) {
        self.0.lock().unwrap().push(actions);
    }

    pub(crate) fn writes(&self) -> Vec<Vec<TransactWriteItem>> {
        self.0.lock().unwrap().clone()
    }

    /// Each action as `put` or `delete`, its partition key and its sort key.
    pub(crate) fn keys(&self) -> Vec<Vec<String>> {
        let name = |action: &TransactWriteItem| match (action.put(), action.delete()) {
            (Some(put), _) => format!("put {}", key_of(put.item())),
            (_, Some(delete)) => format!("delete {}", key_of(delete.key())),
            _ => "check".to_owned(),
        };
        self.writes().iter().map(|actions| actions.iter().map(name).collect()).collect()
    }
}

pub(crate) fn key_of(item: &HashMap<String, AttributeValue>) -> String {
    format!("{} {}", item["pk"].as_s().unwrap(), item["sk"].as_s().unwrap())
}

fn keyed(sk: &str, attributes: &impl Serialize) -> HashMap<String, AttributeValue> {
    let mut item = item(attributes);
    item.extend(crate::file_store::key(&format!("FILE#{FILE_ID}"), sk));
    item
}

/// An item without its key.
pub(crate) fn item(attributes: &impl Serialize) -> HashMap<String, AttributeValue> {
    serde_dynamo::to_item(attributes).unwrap()
}

/// The Ed25519 key made of this byte over and over, in PKCS #8.
pub(crate) fn ed25519(byte: u8) -> EncodingKey {
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    EncodingKey::from_ed_der(&[head.as_slice(), &[byte; 32]].concat())
}

/// A P-256 key, in PKCS #8.
pub(crate) fn p256() -> EncodingKey {
    let head = [
        0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d,
        3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
    ];
    EncodingKey::from_ec_der(&[head.as_slice(), &[7; 32]].concat())
}

/// The public half of a key as a JWK.
pub(crate) fn jwk(kid: &str, algorithm: Algorithm, key: &EncodingKey) -> Value {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
    jwk.common.key_id = Some(kid.to_owned());
    serde_json::to_value(jwk).unwrap()
}

pub(crate) fn token(kid: Option<&str>, algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

/// The modulus of an RSA key whose private half is thrown away.
pub(crate) const RSA_MODULUS: &str = "o06x6_c8hNetgcVT7_Ok4nFgJpZAd6-7bf8kwCAzovqVoxTPiBnUqqy321gaa_eFxea42IaxOKhCDUTa4Bi56lRMwSrMU40imY4w8ODwYUsH9B\
    4ZQFr4Pua7V9pSSHuf-qcAgtYk2-qSjAbb9SbP1HEpTMHA_oWqySnZCYcSGxpSPMuzeoRw1WNhbyWpmh5RLS4cdgQD323BT31WaLOoKBoGeCt4\
    ZfSWF_L2Oi82PFO0ZPJfze03D83HFT23xr_358L5vw3n7TN9ZYf_9n4LaJeAxHiNRAfmXduwnFjVDe8V9YbhOvU7v0XhX-7oIbz_aaE1xRVqvt\
    F8LBhIcb12ew";

/// A token that this key signed: `kid` rsa, issuer `https://issuer`, audience `file-api`, organisation 123, user ann,
/// valid until 2100.
pub(crate) const RS256_TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSJ9.eyJpc3MiOiJodHRwczovL2lzc3VlciIsImF1ZCI6ImZpbGUtYXBpIiwib3JnX2lkIjoiMTIzI\
    iwic3ViIjoiYW5uIiwiZXhwIjo0MTAyNDQ0ODAwfQ.Z72LdK7pSfPUN34_RPlndW35zYKYOozS2uDhEz4-hQ-ZHmI1LaU3x_Q5aWenRqcv_0Rs\
    ZFHjPIORQVQBje5orrSkVj40ycecwhZOLY-jusp9_PmZAgQcQd6U4-fVzZjiDPBTtbhe6WuMw5s8Tm7PGtS9o0mkSwdTeEDd9sbljKCNdIPYE1\
    ZFCnVpRDA7rnoq6LW6BN3Uzd7qGcOt6TwXhvetbQygGtCdyav1S_5eBqGbnlC0EmVpSFvbu6c8sJ03VMPqw5xVLqFmXJ4agcD7-Kg_aomcUSUJ\
    v-NavjAXSJgdOZy7PJBG9mu9Stsy8hc3dElCB_RjGCNINrTlMOYDyw";

/// The same token, signed by the same key with an algorithm that is not that of the key set.
pub(crate) const RS512_TOKEN: &str = "eyJhbGciOiJSUzUxMiIsImtpZCI6InJzYSJ9.eyJpc3MiOiJodHRwczovL2lzc3VlciIsImF1ZCI6ImZpbGUtYXBpIiwib3JnX2lkIjoiMTIzI\
    iwic3ViIjoiYW5uIiwiZXhwIjo0MTAyNDQ0ODAwfQ.lmUQTqzZdCTOZyTLdU2a3qb5JwUCI1TP6XVJAV3jxG79RuRcOvGQXQAYKKK3LZaBokIO\
    xXSNOA1uRsksJxEfcrm0io4RmJLPmSY2N8420UseOJOZvy897r-Wm8y6j0wAYSVghn2wZC2U8HS0gHVXVLGTruqufbEHOOijohqG_RAYBuKGYQ\
    fSqfdTuBtAlBHIQkInKwZTQOS_hcoxC3daA5A2BO8SOmNoVdEUmMKNup-5WPgHczNaA9JoLRiLKaflqAhjFyfzaCCcOsNZTkqzEE4gm9oVdiGB\
    QFLtgjjVH1dz4IHmygrkCrT0MKb9tE2TPDojl8noLo3UMhzjLJyKDQ";

/// Keeps what this thread logs until the guard is dropped.
pub(crate) fn logs() -> (Logs, tracing::subscriber::DefaultGuard) {
    let logs = Logs::default();
    let writer = logs.clone();
    let subscriber =
        tracing_subscriber::fmt().json().event_format(Lines::from_env()).with_writer(move || writer.clone());
    (logs, tracing::subscriber::set_default(subscriber.finish()))
}

#[derive(Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
