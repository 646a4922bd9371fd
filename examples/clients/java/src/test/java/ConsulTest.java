import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.kiwiproject.consul.Consul;

/** The library reads no variables. With acl and tls: docs/clients.md. */
class ConsulTest {
  @Test
  void keyCanBeRead() {
    var keys = Consul.builder().withUrl(System.getenv("CONSUL_HTTP_ADDR")).build().keyValueClient();
    assertTrue(keys.putValue("greeting", "hello"));
    assertEquals(Optional.of("hello"), keys.getValueAsString("greeting"));
  }
}
