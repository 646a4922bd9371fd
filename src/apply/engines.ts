/** Several engines for one cluster: they must all answer, and be nodes of one swarm. */
import type { Docker } from "../docker/docker.ts";
import { Engines, type Member } from "../docker/engines.ts";
import { askSwarms, type SwarmAnswer } from "../docker/reach.ts";
import { InputError, type Problem } from "../errors.ts";
import type { ClusterSpec } from "../inputs/cluster-spec.ts";
import { forwarderName } from "../plan/forwarder.ts";
import type { ClusterPlan } from "../plan/plan.ts";
import type { StartContext } from "./start-context.ts";

/**
 * The context of a start on the engines that the spec names, if it names any.
 *
 * @throws InputError that says of every engine what is wrong with it
 */
export async function withEngines(
  context: StartContext,
  { engines: [first, ...others] }: Pick<ClusterSpec, "engines">,
): Promise<StartContext> {
  if (first === undefined) return context;
  const engines = await gatherEngines(context.docker, [first, ...others]);
  return { ...context, docker: engines, engines };
}

/** Says where the containers of a plan will be, if there are several engines. */
export function placeContainers(docker: Docker, plan: ClusterPlan): void {
  for (const { container, place } of plan.agents) if (place) docker.place(container, place.engine);
  const here = plan.agents.find(({ place }) => place?.isHere)?.place;
  if (here) docker.place(forwarderName(plan, plan.agents), here.engine);
}

/**
 * Makes one of several engines.
 *
 * @param engine - any of them
 * @param names - docker contexts, the job's own engine first
 * @throws InputError that says of every engine what is wrong with it
 */
export async function gatherEngines(
  engine: Docker,
  [first, ...others]: readonly [string, ...string[]],
): Promise<Engines> {
  const memberOf = (name: string): Member => ({ name, engine: engine.on(name) });
  const answers = await askSwarms(engine, [first, ...others]);
  const manager = answers.find((each) => swarmIn(each)?.isManager);
  const known = manager ? new Set(await manager.member.engine.swarmNodes()) : undefined;
  const problems = [
    ...answers.flatMap((answer) => problemOf(answer, known)),
    ...sameEngines(answers),
    ...(known ? [] : noManager(answers)),
  ];
  if (!manager || problems.length > 0) throw new InputError(problems);
  return new Engines([memberOf(first), ...others.map(memberOf)], manager.member.name);
}

const swarmIn = (answer: SwarmAnswer) => ("swarm" in answer ? answer.swarm : undefined);

const problem = (message: string): Problem => ({ input: "engines", message });
const names = (name: string) => `Input \`engines\` names the docker context "${name}"`;

/** As the docker CLI says it, from 20.10 to 29. */
const isUnknownContext = (said: string) =>
  /context not found|context "[^"]*" does not exist/.test(said);

/** @param known - nodes of the manager's swarm; undefined if no engine is a manager */
function problemOf(answer: SwarmAnswer, known: ReadonlySet<string> | undefined): Problem[] {
  const { name } = answer.member;
  if ("failure" in answer && isUnknownContext(answer.failure.said))
    return [
      problem(
        `${names(name)}, and there is no such context (\`docker context ls\`). Create it in an earlier step (\`docker context create ${name} --docker host=ssh://user@machine\`).`,
      ),
    ];
  if ("failure" in answer)
    return [problem(`${names(name)}, but its engine does not answer: ${answer.failure.said}`)];
  const { swarm } = answer;
  if (swarm.node === "")
    return [
      problem(
        `${names(name)}, but its engine is in no swarm. Join it in an earlier step (\`docker --context ${name} swarm join --token … …\`, as \`docker swarm join-token worker\` prints it).`,
      ),
    ];
  if (!known || known.has(swarm.node)) return [];
  return [
    problem(
      `${names(name)}, but its engine is in another swarm than the others. Let it leave that (\`docker --context ${name} swarm leave\`), and join theirs.`,
    ),
  ];
}

/** Engines that are named twice, under two contexts. */
function sameEngines(answers: readonly SwarmAnswer[]): Problem[] {
  return answers.flatMap((answer, index) => {
    const { name } = answer.member;
    const node = swarmIn(answer)?.node ?? "";
    const same = answers
      .slice(0, index)
      .find((earlier) => node !== "" && swarmIn(earlier)?.node === node);
    if (!same) return [];
    return [problem(`${names(name)}, but that is the same engine as "${same.member.name}".`)];
  });
}

/** Only a manager can make the cluster's network. Nothing is said of engines that are in no swarm. */
function noManager(answers: readonly SwarmAnswer[]): Problem[] {
  const workers = answers.filter((each) => (swarmIn(each)?.node ?? "") !== "");
  if (workers.length === 0) return [];
  return [
    problem(
      `Input \`engines\` names no manager of the swarm, which must create the cluster's network: all of ${workers.map(({ member }) => member.name).join(", ")} are workers. Name a manager, or promote one of them (\`docker node promote\` on a manager).`,
    ),
  ];
}
