// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string_view>

namespace passthru {

/// Calls `visit` with the path of each file below /dev that a process has mapped, as the kernel
/// writes it: `/dev/dri/card1`, or `/dev/dri/card1 (deleted)`. `maps` is /proc/PID/maps, opened for
/// reading. A file may come several times; nothing comes of a process that ended meanwhile, nor of
/// i915's memory, which is mapped through a file without a path
/// (drivers/gpu/drm/i915/gem/i915_gem_mman.c:mmap_singleton).
///
/// Since 6.11 the kernel is asked for the shared mappings alone (include/uapi/linux/fs.h:
/// PROCMAP_QUERY): writing out all mappings of all processes is a third of the whole look
/// through /proc. A device's memory is mapped shared; DRM's drivers refuse a private mapping
/// (drivers/gpu/drm/ttm/ttm_bo_vm.c:ttm_bo_mmap_obj). An older kernel, or a plain file in place of
/// `maps`, is read as text.
void for_each_mapped_node(int maps, const std::function<void(std::string_view path)>& visit);

}  // namespace passthru
