using System.Text;
using Consul;

// The library reads CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN, and CONSUL_HTTP_SSL; the CA: docs/clients.md.
using var client = new ConsulClient();
await client.KV.Put(new KVPair("greeting") { Value = Encoding.UTF8.GetBytes("hello") });
var answer = await client.KV.Get("greeting");
var value = answer.Response is { } pair ? Encoding.UTF8.GetString(pair.Value) : null;
if (value != "hello") throw new Exception($"greeting is {value}, not hello");
Console.WriteLine($"greeting: {value}");
