use rs_consul::{types::*, Config, Consul};

/// `from_env` reads CONSUL_HTTP_ADDR and CONSUL_HTTP_TOKEN.
#[tokio::test]
async fn key_can_be_read() {
    let consul = Consul::new(Config::from_env());
    let request = CreateOrUpdateKeyRequest { key: "greeting", ..Default::default() };
    let (stored, _) = consul.create_or_update_key(request, b"hello".to_vec()).await.unwrap();
    assert!(stored);
    let request = ReadKeyRequest { key: "greeting", ..Default::default() };
    let answer = consul.read_key(request).await.unwrap();
    assert_eq!(answer.response[0].value.as_deref(), Some("hello"));
}
