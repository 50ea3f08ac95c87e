"""The table of tasks: every task has one plug-in, whatever holds the task finds it, and strangers get a sentence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from models import list_checkpoints
from models.config import CONFIGS, load_config
from models.core.errors import ConfigError
from models.networks.registry import architecture, list_models
from models.plugins import find_plugin, list_tasks, plugin_of, plugins, register_task
from models.tasks import create_task

NAMES = sorted(path.stem for path in CONFIGS.glob("*.yaml"))


def test_the_tasks_that_come_along():
    assert list_tasks()[:6] == ["beat", "row", "strip", "record", "record_picture", "image"]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_holds_a_task_finds_the_same_plugin(name):
    config = load_config(name)
    values = config.model_dump(mode="json")
    holders = (config, config.task, values, values["task"], SimpleNamespace(task=config.task))
    found = [plugin_of(holder) for holder in holders]
    assert all(one is found[0] for one in found)
    assert isinstance(config, found[0].config_class)
    assert isinstance(config.task, found[0].task_class)
    suiting = [one for one in plugins() if one.kind == config.task.kind and one.suits(values["task"])]
    assert suiting == [found[0]]
    assert architecture(config.network.architecture).serves(found[0].networks)


@pytest.mark.parametrize("summary", list_checkpoints(), ids=lambda summary: summary.name)
def test_every_checkpoint_has_a_plugin(summary):
    plugin = plugin_of(summary.card)
    assert (plugin.card_kind, plugin.role_of(summary.card.task)) == (summary.card.kind, summary.card.role)
    assert summary.card.task["kind"] == plugin.kind
    assert plugin.reads_words(create_task(summary.card.task))


def test_every_network_is_for_a_task_there_is():
    assert {architecture(name).task for name in list_models()} <= set(list_tasks())


@pytest.mark.parametrize("owner", [{}, {"kind": "nothing"}, {"task": {"kind": "nothing"}}, {"task": {}}])
def test_an_unknown_task_is_refused_and_can_be_looked_for(owner):
    assert find_plugin(owner) is None
    with pytest.raises(ConfigError) as caught:
        plugin_of(owner)
    assert caught.value.field == "task"
    with pytest.raises(ConfigError):
        create_task(owner)


def test_no_two_tasks_share_a_name():
    with pytest.raises(ValueError, match="two tasks are called 'beat'"):
        register_task(type(plugin_of({"kind": "beat"})))


@pytest.mark.parametrize("plugin", plugins(), ids=lambda plugin: plugin.name)
def test_a_plugin_has_all_its_words(plugin):
    for word in ("reads", "role", "unit", "case", "data_kind", "metric", "kind", "card_kind", "networks"):
        assert isinstance(getattr(plugin, word), str) and getattr(plugin, word)
    assert plugin.__doc__
    assert not plugin.smallest or plugin_of(load_config(plugin.smallest)).kind == plugin.kind
