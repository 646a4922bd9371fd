"""py-consul reads CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN, and CONSUL_HTTP_SSL; the CA: docs/clients.md."""

import unittest

import consul


class KeyTest(unittest.TestCase):
    def test_key_can_be_read(self):
        client = consul.Consul()
        self.assertTrue(client.kv.put("greeting", "hello"))
        _, pair = client.kv.get("greeting")
        self.assertEqual(pair["Value"], b"hello")
