"""The drawing of a lab: where everything stands, what is lit, what has changed."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations
from xml.etree import ElementTree

import pytest
from web_call import BEGAN

from lab.events import FaultBegan
from lab.places.cities import PLACES
from lab.topology.load import find_topology, load_topology, parse_topology
from lab.topology.model import PbxKind, Topology
from lab.topology.resolve import resolve
from lab.web.drawing.apart import Box, apart
from lab.web.drawing.drawing import drawing
from lab.web.drawing.layout import Layout, Looks, glyph_of, lay_out, layers_of, size_of
from lab.web.drawing.links import thickness
from lab.web.drawing.map import land, projection
from lab.web.marks import INNER, SHOWS, Mark, changes, mark, text_of
from lab.web.now import CallNow, LabNow, LinkNow, NodeNow
from lab.web.topology.backlog import Backlog, worth_reading
from lab.web.topology.links import Read, link_shown
from lab.web.topology.plan import Plan, Shaped, plan_of, way_in_words
from lab.web.topology.tables import figures_of_link, link_table, node_table, wrong
from lab.wire.shape import Direction, FifoKind, Queue, Shape, Way

BLOCK = IPv4Network("10.99.0.0/20")
CIRCUIT = ("authority", "relay1", "relay2")
HOME = ("caller", "home")


def topology_of(name: str) -> Topology:
    return resolve(load_topology(find_topology(name)), "demo", BLOCK, PbxKind.KAMAILIO)


@pytest.fixture(name="paper", scope="module")
def paper_plan() -> Plan:
    return plan_of(topology_of("paper"))


@pytest.fixture(name="world", scope="module")
def world_plan() -> Plan:
    return plan_of(topology_of("world"))


def as_it_runs(plan: Plan) -> LabNow:
    """A lab all of which runs, with a little load everywhere."""
    now = LabNow("demo", "paper", is_up=True, caught_up=True)
    for node, role in plan.roles.items():
        now.nodes[node] = NodeNow(role, "running")
    for machine, network, direction in plan.shapes:
        rate_kbps = plan.shapes[machine, network, direction].rate_kbps
        if direction is Direction.OUT:
            now.links[machine, network] = LinkNow("10.99.0.2", rate_kbps, {}, 84.0, 80.0, 0)
    return now


def with_a_call(now: LabNow, **circuits: tuple[str, ...]) -> LabNow:
    now.call = CallNow("c1", "v-tor", "PCMU", None, BEGAN, "calling", circuits)
    return now


def text(one: Mark) -> str:
    return " ".join(ElementTree.fromstring(text_of(one)).itertext())


def drawn(plan: Plan, now: LabNow, read: Read | None = None, width: float = 1300) -> str:
    return text_of(drawing(plan, now, read or Read(), Looks(lay_out(plan, width))))


def boxes_of(plan: Plan, layout: Layout) -> list[Box]:
    """What each machine covers with its label, without the margins between them."""
    boxes = []
    for machine in plan.machines:
        wide, high = size_of(machine, labelled=machine.name not in layout.unlabelled)
        spot = layout.machines[machine.name]
        glyph = glyph_of(machine.name, layout.unlabelled)
        boxes.append(Box(spot.x, spot.y - glyph + high / 2, wide - 1, high - 1))
    return boxes


def overlapping(boxes: list[Box]) -> list[tuple[Box, Box]]:
    return [pair for pair in combinations(boxes, 2) if min(pair[0].overlap(pair[1])) > 0]


def test_a_chain_follows_the_packets_of_the_caller(paper: Plan) -> None:
    layers = layers_of(paper)
    assert layers[0] == ["caller", "client"]
    assert [layer[0] for layer in layers[1:5]] == ["/home", "gateway", "/transit-1", "authority"]
    assert layers[-1] == ["callee"]


@pytest.mark.parametrize(("width", "rows"), [(1300, 1), (820, 2), (300, 5)])
def test_a_chain_takes_the_rows_it_needs(paper: Plan, width: float, rows: int) -> None:
    layout = lay_out(paper, width)
    assert layout.view == "chain"
    assert all(0 < spot.x < width for spot in layout.machines.values())
    turns = sum(
        layout.hubs[one].y != layout.machines[two].y
        and layout.hubs[one].x == layout.machines[two].x
        for two, one in layout.ends
    )
    assert turns == rows - 1
    assert not overlapping(boxes_of(paper, layout))


def test_a_world_stands_on_its_map_with_no_label_over_another(world: Plan) -> None:
    layout = lay_out(world, 1300)
    assert layout.view == "map"
    assert not overlapping(boxes_of(world, layout))
    caller, client = layout.machines["caller"], layout.machines["client"]
    assert caller.y == client.y
    assert abs(caller.x - client.x) < 100
    assert layout.places["Los Angeles"].x < layout.places["London"].x < layout.places["Tokyo"].x
    assert layout.places["Stockholm"].y < layout.places["Singapore"].y
    assert layout.ends["tokyo", "world"] == layout.places["Tokyo"]


def test_everybody_on_one_network_stands_on_one_field() -> None:
    plan = plan_of(topology_of("onion"))
    for width in (300, 1300):
        layout = lay_out(plan, width)
        assert layout.view == "field"
        assert not overlapping(boxes_of(plan, layout))
        assert all(0 < spot.x < width for spot in layout.machines.values())


def test_of_a_hundred_relays_the_names_are_hidden_until_they_are_looked_at() -> None:
    relays = "".join(
        f"  r{i}: {{role: relay, links: {{net: {{}}}}{', authority: true' if not i else ''}}}\n"
        for i in range(100)
    )
    text_ = f"name: many\nnetworks: {{net: {{}}}}\nnodes:\n{relays}"
    for end in ("caller", "callee"):
        text_ += f"  {end}: {{role: endpoint, links: {{net: {{}}}}, tor: true}}\n"
    text_ += "  server: {role: vpn-server, links: {net: {}}}\n  pbx: {role: pbx, on: server}\n"
    topology = resolve(parse_topology(text_, "many.yaml"), "demo", BLOCK, PbxKind.KAMAILIO)
    plan = plan_of(topology)
    layout = lay_out(plan, 1300)
    assert layout.unlabelled == {f"r{i}" for i in range(100)}
    assert not overlapping(boxes_of(plan, layout))
    assert drawn(plan, as_it_runs(plan)).count("unlabelled") == 100


def test_a_crowd_on_its_map_stands_beside_one_another() -> None:
    """Its relays have smaller signs than others, each large enough to be hit."""
    plan = plan_of(topology_of("crowd"))
    layout = lay_out(plan, 1300)
    relays = {machine.name for machine in plan.machines if machine.role == "relay"}
    assert layout.view == "map"
    assert layout.unlabelled == relays
    boxes = boxes_of(plan, layout)
    assert {box.width + 1 for box in boxes if box.width < 30} == {24.0}
    assert len(overlapping(boxes)) <= len(boxes) // 20, "hardly one covers another"


def test_what_cannot_be_moved_apart_stays_inside() -> None:
    boxes = apart([Box(50, 50, 60, 20), Box(52, 50, 60, 20), Box(50, 52, 60, 20)], [], 200, 200)
    assert not overlapping(list(boxes))
    for box in apart([Box(5, 5, 60, 20)] * 9, [], 100, 50):
        assert 30 <= box.x <= 70
        assert 10 <= box.y <= 40


def test_land_is_where_it_is() -> None:
    assert sum(map(len, land())) < 3000
    flat = projection([PLACES["London"], PLACES["Tokyo"]], 1000, 300)
    west, north = flat.point(-10, 60)
    east, south = flat.point(10, 50)
    assert west < east
    assert north < south
    for name in ("London", "Tokyo"):
        place = PLACES[name]
        x, y = flat.point(place.longitude_deg, place.latitude_deg)
        assert 0 < x < 1000
        assert 0 < y < flat.height


def test_packets_to_a_place_take_as_long_as_the_way(world: Plan) -> None:
    near = world.delays_ms["amsterdam", "world", "frankfurt"]
    far = world.delays_ms["amsterdam", "world", "tokyo"]
    assert 1 < near < 10
    assert 60 < far < 150


def test_a_way_leads_over_the_relays_to_the_server_and_on_to_the_callee(paper: Plan) -> None:
    ways = paper.way_of_call("v-tor", {"caller": CIRCUIT})
    stops = [ways["caller"][0].start, *(hop.end for hop in ways["caller"])]
    assert stops == ["caller", "gateway", "authority", "relay1", "relay2", "server", "callee"]
    both = paper.way_of_call("v-tor", {"caller": CIRCUIT, "callee": CIRCUIT[::-1]})
    assert both["caller"][-1].end == "server"
    assert both["callee"][0].start == "callee"
    assert both["callee"][-1].end == "server"


def test_a_murmur_call_ends_at_its_own_server(world: Plan) -> None:
    assert world.servers("m-tor") == ("mumble",)
    assert world.servers("v-tor") == ("server", "pbx")


def test_the_circuits_of_both_ends_are_lit_apart(paper: Plan) -> None:
    now = with_a_call(as_it_runs(paper), caller=CIRCUIT, callee=CIRCUIT[::-1])
    picture = drawn(paper, now)
    assert picture.count('class="lab-lit caller"') == 5
    assert picture.count('class="lab-lit callee"') == 7
    assert ">1c</text>" in picture
    assert "lab-lit" not in drawn(paper, as_it_runs(paper))


def test_the_drawing_is_well_formed_and_names_everything(paper: Plan) -> None:
    root = ElementTree.fromstring(drawn(paper, as_it_runs(paper)))
    keys = {element.get("data-what") for element in root.iter() if element.get("data-what")}
    assert {f"node:{node}" for node in paper.roles} <= keys
    assert "link:relay1:transit-3" in keys
    for element in root.iter():
        if element.get("data-what"):
            assert element.get("tabindex") == "0"
            assert element.get("role") == "button"
            assert element.get("aria-label")


def test_a_node_that_ended_and_a_link_that_is_down_show_it_in_words(paper: Plan) -> None:
    now = as_it_runs(paper)
    now.nodes["relay1"] = NodeNow("relay", "exited", 137)
    now.faults["down", "caller", "home"] = FaultBegan("down", "caller", "home", None, None)
    picture = drawn(paper, now)
    assert "exited (137)" in picture
    assert "lab-link unread down" in picture
    assert "down caller/home" in text(wrong(now))
    assert "exited, exit status 137" in text(node_table(paper, now, Read()))
    assert ">down<" in text_of(link_table(paper, now, Read()))


def test_a_link_is_the_thicker_the_more_its_node_sends() -> None:
    widths = [thickness(kbps) for kbps in (None, 0, 80, 1000, 100_000, 10_000_000)]
    assert widths == sorted(widths)
    assert widths[0] == widths[1] < widths[2]
    assert widths[-1] == 10


def reading(packets: int, *, dropping: bool = False, queue: Queue | None = None) -> Read:
    shape = Shape(rate_kbps=100_000, queue=queue or Queue())
    backlog = Backlog(0.0, shape, packets, packets * 214, 0, dropping)
    return Read({(*HOME, Direction.OUT): Shaped.of(shape)}, {(*HOME, Direction.OUT): backlog})


@pytest.mark.parametrize(
    ("read", "queue"),
    [
        (Read(), "unread"),
        (reading(0), "empty"),
        (reading(7), "waiting"),
        (reading(100), "full"),
        (reading(7, dropping=True), "full"),
        (reading(7, queue=Queue(fifo=FifoKind.BFIFO, limit=2000)), "full"),
    ],
)
def test_a_queue_is_told_by_a_word_and_a_number(paper: Plan, read: Read, queue: str) -> None:
    link = link_shown(paper, as_it_runs(paper), read, HOME)
    assert link.queue == queue
    assert ("not read" in link.queue_words) is (queue == "unread")
    picture = drawn(paper, as_it_runs(paper), read)
    assert f'class="lab-link {queue}"' in picture
    if read.backlogs:
        assert f">{link.waiting}</text>" in picture


def test_a_link_without_a_cap_has_no_queue(paper: Plan) -> None:
    now = as_it_runs(paper)
    now.links[HOME] = LinkNow("10.99.0.2", None)
    link = link_shown(paper, now, Read(), HOME)
    assert (link.queue, link.rate, link.load) == ("none", "no cap", "not measured")


def test_what_the_stream_told_comes_before_what_was_read_and_that_before_the_topology(
    paper: Plan,
) -> None:
    now = as_it_runs(paper)
    assert not link_shown(paper, now, Read(), HOME).is_read
    read = Read({(*HOME, direction): Shaped.of(Shape(5000)) for direction in Direction})
    link = link_shown(paper, now, read, HOME)
    assert (link.is_read, link.rate_kbps) == (True, 5000)
    now.links[HOME].shapes["out"] = "10mbit, htb pfifo 200 packets, delay 20 ms, loss 1 %"
    now.links[HOME].rate_kbps = 10_000
    link = link_shown(paper, now, read, HOME)
    assert (link.rate, link.way) == ("10 Mbit/s", "delay 20 ms, loss 1 %")
    assert "delay 20 ms" in drawn(paper, now)
    figures = text(figures_of_link(paper, now, read, HOME))
    assert "10mbit, htb pfifo 200 packets, delay 20 ms, loss 1 %" in figures
    assert "100mbit, htb pfifo 200 packets" in figures


def test_queues_are_read_where_a_cap_is_in_use(paper: Plan) -> None:
    now = as_it_runs(paper)
    assert worth_reading(now, {}) == frozenset()
    now.links[HOME].rate_kbps = 500
    assert worth_reading(now, {}) == {HOME}
    assert worth_reading(now, {("callee", "office"): 200}) == {HOME, ("callee", "office")}


@pytest.mark.parametrize("rate_kbps", [None, 100_000])
def test_of_a_shape_only_what_is_behind_the_cap_is_the_way(rate_kbps: int | None) -> None:
    assert way_in_words(str(Shape(rate_kbps))) == ""
    distances = (Way(BLOCK, 1.0), Way(IPv4Network("10.98.0.0/20"), 120.0))
    shape = Shape(rate_kbps, delay_ms=20, jitter_ms=3, loss_pct=1, reorders=True, ways=distances)
    assert way_in_words(str(shape)) == shape.way


def test_text_is_escaped() -> None:
    one = mark("p", "a", '<script>"&', title='"><b>')
    assert text_of(one) == '<p id="a" title="&quot;&gt;&lt;b&gt;">&lt;script&gt;"&amp;</p>'


def test_only_what_differs_is_sent(paper: Plan) -> None:
    now = as_it_runs(paper)
    looks = Looks(lay_out(paper, 1300))
    before = drawing(paper, now, Read(), looks)
    assert changes(before, drawing(paper, now, Read(), looks)) == []
    now.links[HOME].sent_kbps = 20_000.0
    sent = changes(before, drawing(paper, now, Read(), looks))
    assert {key for _, key, _ in sent} == {SHOWS, "stroke-width"}
    assert len(sent) <= 4
    with_a_call(now, caller=CIRCUIT)
    after = drawing(paper, now, Read(), looks)
    assert [name for name, key, _ in changes(before, after) if key == INNER] == ["drawn-lit"]


def test_what_has_no_id_is_replaced_by_what_is_around_it() -> None:
    def around(text_: str) -> Mark:
        return mark("div", "a", (mark("p", None, text_),))

    assert changes(around("1"), around("2")) == [("a", INNER, "<p>2</p>")]
    assert changes(mark("p", "a", "1", title="x"), mark("p", "a", "1")) == [("a", "title", None)]
    with pytest.raises(ValueError, match="has no id"):
        changes(mark("p", None, "1"), mark("p", None, "2"))
