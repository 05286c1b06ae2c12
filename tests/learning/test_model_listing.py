from kimchi_vision.learning.model import catalog


def test_the_common_backbones_are_listed_without_a_pattern():
    rows = {row.backbone: row for row in catalog()}
    assert {"resnet18", "efficientnet_v2_s", "vit_b_16", "tf_efficientnet_lite0"} <= rows.keys()
    assert rows["resnet18"].parameters == 11_689_512
    assert (rows["vit_b_16"].size, rows["vit_b_16"].fixed) == (224, True)


def test_part_of_a_name_finds_both_libraries():
    libraries = {row.backbone: row.library for row in catalog("resnet34")}
    assert libraries["resnet34"] == "torchvision"
    assert libraries["timm:resnet34"] == libraries["seresnet34"] == "timm"


def test_a_pattern_must_match_the_whole_name():
    assert [row.backbone for row in catalog("timm:resnet3[4]")] == ["timm:resnet34"]
