import { expect, test } from "vitest";
import { freeSubnet, subnetFor } from "../../../src/apply/overlay-subnet.ts";
import { Engine } from "../../../src/docker/engine.ts";
import { Engines } from "../../../src/docker/engines.ts";
import { fakeDocker } from "../find/fixtures.ts";

test("a subnet is the last private one of its size", () => {
  expect(freeSubnet(20, [])).toBe("10.255.240.0/20");
  expect(freeSubnet(24, ["10.0.0.0/24"])).toBe("10.255.255.0/24");
});

test("a subnet shares no address with another network, however large or small that is", () => {
  expect(freeSubnet(20, ["10.255.250.0/24", "10.255.239.7/32"])).toBe("10.255.208.0/20");
  expect(freeSubnet(20, ["10.128.0.0/9"])).toBe("10.127.240.0/20");
  // An address in a network, as a machine's interface has it.
  expect(freeSubnet(20, ["10.255.1.2/16"])).toBe("10.254.240.0/20");
});

test("other private networks come when one is full, and nothing when all are", () => {
  expect(freeSubnet(20, ["10.0.0.0/8"])).toBe("172.31.240.0/20");
  expect(freeSubnet(20, ["0.0.0.0/0"])).toBeUndefined();
});

/** The manager `a` says what networks its swarm makes, and what there is; `b` has one more. */
function enginesWith(prefixLength: number): Engines {
  fakeDocker(`
case "$*" in
"--context=a info"*) echo '{"NodeID":"n","NodeAddr":"192.0.2.1","ControlAvailable":true,"Cluster":{"SubnetSize":${prefixLength}}}';;
*"network ls"*) echo one; echo two;;
"--context=a network inspect"*) printf '10.255.255.0/24\\n\\nfd00::/64\\n\\n';;
"--context=b network inspect"*) printf '10.255.240.0/22\\n';;
*) echo "unexpected: $*" >&2; exit 1;;
esac`);
  const engine = new Engine(new AbortController().signal, () => {});
  const member = (name: string) => ({ name, engine: engine.on(name) });
  return new Engines([member("b"), member("a")], "a");
}

test("the swarm chooses as long as its networks are large enough", async () => {
  expect(await subnetFor(enginesWith(24), 206)).toBeUndefined();
  expect(await subnetFor(enginesWith(24), 207)).toMatch(/\/23$/);
  expect(await subnetFor(enginesWith(26), 20)).toMatch(/\/25$/);
});

test("what any engine has is left alone", async () => {
  // Of 10.255.240.0 to 10.255.255.255, the first four and the last are taken.
  expect(await subnetFor(enginesWith(24), 900)).toBe("10.255.248.0/22");
});
