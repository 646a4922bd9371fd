package client

import (
	"testing"

	"github.com/hashicorp/consul/api"
)

// The library reads CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN, and CONSUL_CACERT.
func TestKeyCanBeRead(t *testing.T) {
	client, err := api.NewClient(api.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.KV().Put(&api.KVPair{Key: "greeting", Value: []byte("hello")}, nil); err != nil {
		t.Fatal(err)
	}
	pair, _, err := client.KV().Get("greeting", nil)
	if err != nil {
		t.Fatal(err)
	}
	if pair == nil || string(pair.Value) != "hello" {
		t.Fatalf("greeting is %v, not hello", pair)
	}
}
