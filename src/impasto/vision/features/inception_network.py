"""The Inception-v3 network (Szegedy et al. 2016) that defines the FID: TensorFlow's version of 2015 with 1,008 classes.

It differs from the published architecture in its pooling (the graph of Heusel et al. 2017, as in torch-fidelity and
pytorch-fid): averages exclude the border, and the last block uses the maximum. Module names match the converted weights.
"""

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

SIDE = 299
WIDTH = 2048
CLASSES = 1008


class Inception(nn.Module):
    """Maps pictures float32 [n, 3, 299, 299], -1 .. 1, to features [n, 2048]; `fc` maps features to logits [n, 1008]."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Convolution(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = _Convolution(32, 32, 3)
        self.Conv2d_2b_3x3 = _Convolution(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = _Convolution(64, 80, 1)
        self.Conv2d_4a_3x3 = _Convolution(80, 192, 3)
        self.Mixed_5b = _Squares(192, 32)
        self.Mixed_5c = _Squares(256, 64)
        self.Mixed_5d = _Squares(288, 64)
        self.Mixed_6a = _HalvedSquares(288)
        self.Mixed_6b = _Strips(768, 128)
        self.Mixed_6c = _Strips(768, 160)
        self.Mixed_6d = _Strips(768, 160)
        self.Mixed_6e = _Strips(768, 192)
        self.Mixed_7a = _HalvedStrips(768)
        self.Mixed_7b = _Fans(1280, last=False)
        self.Mixed_7c = _Fans(2048, last=True)
        self.fc = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))  # 147 px
        x = F.max_pool2d(x, 3, stride=2)
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x))  # 71 px
        x = F.max_pool2d(x, 3, stride=2)
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x)))  # 35 px
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))  # 17 px
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))  # 8 px
        return x.mean(dim=(2, 3))

    def fuse(self) -> "Inception":
        """Fuses every batch normalisation into the convolution before it: same result, a third less to read and write."""
        for module in self.modules():
            if isinstance(module, _Convolution) and isinstance(module.bn, nn.BatchNorm2d):
                module.conv, module.bn = fuse_conv_bn_eval(module.conv, module.bn), nn.Identity()
        return self


class _Convolution(nn.Module):
    def __init__(
        self, inputs: int, outputs: int, size: int | tuple[int, int], *, stride: int = 1, padding: int | tuple[int, int] = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


def _average(x: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class _Squares(nn.Module):
    """The block at 35 px: branches with 1x1, 5x5, two 3x3 convolutions and an average (figure 5 of the paper)."""

    def __init__(self, inputs: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = _Convolution(inputs, 64, 1)
        self.branch5x5_1 = _Convolution(inputs, 48, 1)
        self.branch5x5_2 = _Convolution(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = _Convolution(inputs, 64, 1)
        self.branch3x3dbl_2 = _Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = _Convolution(96, 96, 3, padding=1)
        self.branch_pool = _Convolution(inputs, pooled, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat(
            [self.branch1x1(x), self.branch5x5_2(self.branch5x5_1(x)), double, self.branch_pool(_average(x))], dim=1
        )


class _HalvedSquares(nn.Module):
    """The block that reduces 35 px to 17."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3 = _Convolution(inputs, 384, 3, stride=2)
        self.branch3x3dbl_1 = _Convolution(inputs, 64, 1)
        self.branch3x3dbl_2 = _Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = _Convolution(96, 96, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, F.max_pool2d(x, 3, stride=2)], dim=1)


class _Strips(nn.Module):
    """The block at 17 px: 7x7 convolutions factored into 1x7 and 7x1, once and twice, and an average (figure 6)."""

    def __init__(self, inputs: int, middle: int) -> None:
        super().__init__()
        self.branch1x1 = _Convolution(inputs, 192, 1)
        self.branch7x7_1 = _Convolution(inputs, middle, 1)
        self.branch7x7_2 = _Convolution(middle, middle, (1, 7), padding=(0, 3))
        self.branch7x7_3 = _Convolution(middle, 192, (7, 1), padding=(3, 0))
        self.branch7x7dbl_1 = _Convolution(inputs, middle, 1)
        self.branch7x7dbl_2 = _Convolution(middle, middle, (7, 1), padding=(3, 0))
        self.branch7x7dbl_3 = _Convolution(middle, middle, (1, 7), padding=(0, 3))
        self.branch7x7dbl_4 = _Convolution(middle, middle, (7, 1), padding=(3, 0))
        self.branch7x7dbl_5 = _Convolution(middle, 192, (1, 7), padding=(0, 3))
        self.branch_pool = _Convolution(inputs, 192, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        once = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        twice = self.branch7x7dbl_5(self.branch7x7dbl_4(twice))
        return torch.cat([self.branch1x1(x), once, twice, self.branch_pool(_average(x))], dim=1)


class _HalvedStrips(nn.Module):
    """The block that reduces 17 px to 8."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3_1 = _Convolution(inputs, 192, 1)
        self.branch3x3_2 = _Convolution(192, 320, 3, stride=2)
        self.branch7x7x3_1 = _Convolution(inputs, 192, 1)
        self.branch7x7x3_2 = _Convolution(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = _Convolution(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = _Convolution(192, 192, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        strips = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        return torch.cat(
            [self.branch3x3_2(self.branch3x3_1(x)), self.branch7x7x3_4(strips), F.max_pool2d(x, 3, stride=2)], dim=1
        )


class _Fans(nn.Module):
    """The block at 8 px: 1x3 and 3x1 in parallel, after 1x1 and after 3x3 (figure 7); the last block uses the maximum."""

    def __init__(self, inputs: int, *, last: bool) -> None:
        super().__init__()
        self.last = last
        self.branch1x1 = _Convolution(inputs, 320, 1)
        self.branch3x3_1 = _Convolution(inputs, 384, 1)
        self.branch3x3_2a = _Convolution(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = _Convolution(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = _Convolution(inputs, 448, 1)
        self.branch3x3dbl_2 = _Convolution(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = _Convolution(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = _Convolution(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = _Convolution(inputs, 192, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        once = self.branch3x3_1(x)
        twice = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pooled = F.max_pool2d(x, 3, stride=1, padding=1) if self.last else _average(x)
        fans = [self.branch3x3_2a(once), self.branch3x3_2b(once), self.branch3x3dbl_3a(twice), self.branch3x3dbl_3b(twice)]
        return torch.cat([self.branch1x1(x), *fans, self.branch_pool(pooled)], dim=1)
